import { malformed } from './protocol-errors.ts';

/**
 * The query of a URL by its keys, the first of each.
 * @throws RefusalError where it is not UTF-8: read kindly, two ids could become one.
 */
export function queryOf(url: string): ReadonlyMap<string, string> {
  const start = url.indexOf('?');
  const query = new Map<string, string>();
  if (start === -1) return query;
  for (const pair of url.slice(start + 1).split('&')) {
    const [key = '', ...value] = pair.split('=').map(plain);
    if (!query.has(key)) query.set(key, value.join('='));
  }
  return query;
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw malformed('query', 'the query is not percent-encoded UTF-8');
  }
}

/** The bytes that the query of a GET holds as its message. */
export function messageOf(query: ReadonlyMap<string, string>): Buffer {
  const message = query.get('message') ?? '';
  if (query.get('base64') !== '1') return Buffer.from(message);
  // A plus sign of the usual alphabet has been read as a blank.
  const text = message.replaceAll(' ', '+');
  if (!/^[\w+/-]*={0,2}$/.test(text))
    throw malformed('query', 'message is not base64, as base64=1 says it is');
  return Buffer.from(text, 'base64');
}

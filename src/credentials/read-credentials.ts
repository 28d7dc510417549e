import { RIGHTS, type Credential, type Right } from './credential.ts';
import { readKept, type KeptSecret } from './secret.ts';

/** A credential as the file has it. Without secrets it is for client certificates with its name alone. */
export type FiledCredential = Credential & { readonly secrets: readonly KeptSecret[] };

/** All of the file, or all that is wrong with it: each problem with its place, and never with what stands there. */
export type ReadCredentials =
  | { readonly credentials: readonly FiledCredential[] }
  | { readonly problems: readonly string[] };

/** So that a secret can be replaced: the new one is there before the old one goes. */
const MOST_SECRETS = 2;

const NAME = /^[\x21-\x7e]{1,256}$/;
/** As the contract has it: `is_namespace` of proto/credit/v1/rules.proto. */
const NAMESPACE = /^[A-Za-z0-9._-]{1,128}$/;
const FIELDS = ['name', 'namespaces', 'rights', 'secrets'];

type Json = { readonly [field: string]: unknown };

export function readCredentials(text: string): ReadCredentials {
  const problems: string[] = [];
  const tell = (path: string, what: string) => void problems.push(`${path} ${what}`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // What else the parser says quotes the text.
    const place = /at position \d+( \(line \d+ column \d+\))?/.exec(String(error))?.[0];
    return { problems: [`$ is not JSON${place === undefined ? '' : `: look ${place}`}`] };
  }
  if (!isObject(json)) return { problems: ['$ must be an object with the field credentials'] };
  noOthers(json, ['credentials'], '$', tell);
  const entries = json['credentials'];
  if (!Array.isArray(entries)) tell('$.credentials', 'must be a list');
  const credentials = (Array.isArray(entries) ? (entries as unknown[]) : []).map((entry, i) =>
    readOne(entry, `$.credentials[${i}]`, tell),
  );
  unique(
    credentials.map(({ name }, i) => [`$.credentials[${i}].name`, name]),
    tell,
  );
  unique(
    credentials.flatMap(({ secrets }, i) =>
      secrets.map(({ salt }, j): [string, string] => [`$.credentials[${i}].secrets[${j}]`, salt]),
    ),
    tell,
  );
  return problems.length > 0 ? { problems } : { credentials };
}

type Tell = (path: string, what: string) => void;

/** In place of one that cannot be read, in a file that is refused. */
const NOBODY: FiledCredential = { name: '', rights: new Set(), namespaces: new Set(), secrets: [] };

function readOne(json: unknown, path: string, tell: Tell): FiledCredential {
  if (!isObject(json)) {
    tell(path, 'must be an object');
    return NOBODY;
  }
  noOthers(json, FIELDS, path, tell);
  const { name, namespaces } = json;
  const isName = typeof name === 'string' && NAME.test(name);
  if (!isName) tell(`${path}.name`, 'must be 1 to 256 printable ASCII characters without blanks');
  const rights = listOf(json['rights'], `${path}.rights`, tell).flatMap((right, i) => {
    const known = RIGHTS.find((one) => one === right);
    if (known === undefined) tell(`${path}.rights[${i}]`, `must be one of ${RIGHTS.join(', ')}`);
    return known ?? [];
  });
  return {
    name: isName ? name : '',
    rights: new Set<Right>(rights),
    namespaces: namespaces === '*' ? '*' : new Set(readNamespaces(namespaces, `${path}.namespaces`, tell)),
    secrets: readSecrets(json['secrets'] ?? [], `${path}.secrets`, tell),
  };
}

const readNamespaces = (value: unknown, path: string, tell: Tell): readonly string[] =>
  listOf(value, path, tell, '"*" or ').flatMap((namespace, i) => {
    if (typeof namespace === 'string' && NAMESPACE.test(namespace)) return namespace;
    tell(
      `${path}[${i}]`,
      'must be 1 to 128 letters, digits, ".", "_" and "-"; "*" alone, in place of the list, means all',
    );
    return [];
  });

function readSecrets(value: unknown, path: string, tell: Tell): readonly KeptSecret[] {
  if (!Array.isArray(value) || value.length > MOST_SECRETS) {
    tell(path, `must be a list of ${MOST_SECRETS} at most`);
    return [];
  }
  return (value as unknown[]).flatMap((text, i) => {
    const kept = typeof text === 'string' ? readKept(text) : undefined;
    if (kept === undefined)
      tell(`${path}[${i}]`, 'must be the hash of a secret, as npm run secret makes it: sha256:<salt>:<hash>');
    return kept ?? [];
  });
}

function listOf(value: unknown, path: string, tell: Tell, or = ''): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  tell(path, `must be ${or}a list of one at least`);
  return [];
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function noOthers(json: Json, fields: readonly string[], path: string, tell: Tell): void {
  for (const field of Object.keys(json)) {
    // A name this plain is no secret.
    const place = /^\w{1,32}$/.test(field) ? `.${field}` : '[…]';
    if (!fields.includes(field)) tell(`${path}${place}`, `is no field there is: ${fields.join(', ')}`);
  }
}

function unique(values: readonly (readonly [path: string, value: string])[], tell: Tell): void {
  const first = new Map<string, string>();
  for (const [path, value] of values) {
    const before = first.get(value);
    if (before === undefined) first.set(value, path);
    else if (value !== '') tell(path, `is that of ${before}, too`);
  }
}

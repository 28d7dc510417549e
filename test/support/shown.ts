/** What a page shows: its fenced blocks, and whether what really comes out is what it says. */

/** ```` ```sh at=in_1min ````: the language, and words behind it that say how a test treats the block. */
export type Block = {
  readonly language: string;
  readonly words: readonly string[];
  readonly text: string;
};

export const blocksOf = (markdown: string): readonly Block[] =>
  [...markdown.matchAll(/^```(\w+)(.*)\n([^]*?)^```$/gm)].map((found) => ({
    language: found[1]!,
    words: found[2]!.trim().split(/\s+/),
    text: found[3]!,
  }));

/** The text below a heading, up to the next one of its rank or above. */
export function sectionOf(markdown: string, heading: string): string {
  const rank = /^#+/.exec(heading)![0].length;
  const [, after] = markdown.split(`\n${heading}\n`);
  if (after === undefined) throw new Error(`there is no heading "${heading}"`);
  return after.split(new RegExp(`^#{1,${rank}} `, 'm'))[0]!;
}

/** What was printed and what a page shows, made alike in everything that may differ from run to run. */
export type Comparable = { readonly printed: unknown; readonly shown: unknown };

/**
 * Compares outputs of one story, from the first block to the last: instants count as alike, ids as alike when they
 * name the same thing in the story. In JSON `…` stands for the fields of an object that are not shown; in text,
 * spaces do not matter.
 */
export function createComparison(): (output: Block, printed: string) => Comparable {
  const masks = { page: createMask(), service: createMask() };
  return ({ language, text }, printed) => {
    if (language === 'text')
      return { printed: masks.service(spaced(printed)), shown: masks.page(spaced(text)) };
    const page: unknown = JSON.parse(text.replaceAll(/(?<=[{,]\s*)…(?=\s*\})/g, `"${OTHERS}": true`));
    return {
      printed: JSON.parse(masks.service(JSON.stringify(shownPart(JSON.parse(printed), page)))),
      shown: JSON.parse(masks.page(JSON.stringify(shownPart(page, page)))),
    };
  };
}

const OTHERS = '…';

const spaced = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const ID = /\b(grt|chg|txn|acc|ent)_[0-9a-f]{32}\b/g;
const INSTANT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** Ids become numbers in the order in which they first appear, so that two that are the same stay the same. */
function createMask(): (text: string) => string {
  const seen = new Map<string, string>();
  return (text) =>
    text.replaceAll(INSTANT, '<instant>').replaceAll(ID, (id, prefix: string) => {
      if (!seen.has(id)) seen.set(id, `<${prefix} ${seen.size + 1}>`);
      return seen.get(id)!;
    });
}

/** What of an answer is shown; fields in order of their names, so that both sides meet ids in one order. */
function shownPart(answer: unknown, page: unknown): unknown {
  if (Array.isArray(answer) && Array.isArray(page)) return answer.map((item, i) => shownPart(item, page[i]));
  if (!isObject(answer) || !isObject(page)) return answer;
  const names = Object.keys(answer).filter((name) => name !== OTHERS && (!(OTHERS in page) || name in page));
  return Object.fromEntries(names.toSorted().map((name) => [name, shownPart(answer[name], page[name])]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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

/** A story of commands and outputs, told once by a page and once by a service. */
export type Comparison = {
  /** An output of the page beside what was printed in its place. */
  compare(output: Block, printed: string): Comparable;
  /** A command of the page with the ids that the service gave in place of those the page has shown. */
  asked(command: string): string;
};

/**
 * Compares outputs of one story, from the first block to the last: ids count as alike when they name the same thing in
 * the story, instants always, unless they are asked to be `exact`. In JSON `…` stands for the fields of an object, or the
 * rest of a list, that are not shown, and of several messages some are shown, in order; in text `…` stands for any text,
 * and spaces do not matter.
 */
export function createComparison(instants: 'alike' | 'exact' = 'alike'): Comparison {
  const masks = { page: createMask(instants), service: createMask(instants) };
  const alike = (printed: unknown, page: unknown): Comparable => ({
    printed: JSON.parse(masks.service.cover(JSON.stringify(shownPart(printed, page)))),
    shown: JSON.parse(masks.page.cover(JSON.stringify(shownPart(page, page)))),
  });
  return {
    compare({ language, text }, printed) {
      if (language === 'text')
        return elided(masks.service.coverKnown(spaced(printed)), masks.page.coverKnown(spaced(text)));
      const shown = messagesOf(
        text.replaceAll(LEFT_OUT, (_, end: string) => (end === '}' ? REST : LIST_REST)),
      );
      return alike(shownMessages(messagesOf(printed), shown), shown);
    },
    asked: (command) => command.replaceAll(ID, (id) => masks.service.idOf(masks.page.nameOf(id)) ?? id),
  };
}

const OTHERS = '…';
const LEFT_OUT = /(?<=[{,[]\s*)…(?=\s*([}\]]))/g;
const REST = `"${OTHERS}": true`;
const LIST_REST = `"${OTHERS}"`;

const spaced = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** Text in which `…` is any text. */
function elided(printed: string, shown: string): Comparable {
  const parts = shown.split(OTHERS).map((part) => literally(part.trim()));
  return new RegExp(`^${parts.join('[^]*')}$`).test(printed) ? { printed: shown, shown } : { printed, shown };
}

const literally = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/** JSON messages one after another, each beginning on a line of its own. */
const messagesOf = (text: string): readonly unknown[] =>
  text
    .trim()
    .split(/\n(?=\{)/)
    .map((message): unknown => JSON.parse(message));

/** Of the messages printed, those that show what the page does, in its order; else all of them. */
function shownMessages(printed: readonly unknown[], shown: readonly unknown[]): readonly unknown[] {
  if (shown.length === 1) return printed;
  const kindOf = (message: unknown): string => Object.keys(message as object).join();
  return shown.map((message) => printed.find((one) => kindOf(one) === kindOf(message)));
}

const ID = /\b(grt|chg|txn|acc|ent)_[0-9a-f]{32}\b/g;
const INSTANT = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** Ids become numbers in the order in which they first appear, so that two that are the same stay the same. */
function createMask(instants: 'alike' | 'exact') {
  const names = new Map<string, string>();
  const timeless = (text: string) => (instants === 'exact' ? text : text.replaceAll(INSTANT, '<instant>'));
  return {
    nameOf: (id: string): string => names.get(id) ?? '<id>',
    idOf: (name: string): string | undefined => [...names].find(([, known]) => known === name)?.[0],
    cover: (text: string): string =>
      timeless(text).replaceAll(ID, (id, prefix: string) => {
        if (!names.has(id)) names.set(id, `<${prefix} ${names.size + 1}>`);
        return names.get(id)!;
      }),
    /** Text may say more than a page shows of it, so no id is learned from it. */
    coverKnown: (text: string): string => timeless(text).replaceAll(ID, (id) => names.get(id) ?? '<id>'),
  };
}

/** What of an answer is shown; fields in order of their names, so that both sides meet ids in one order. */
function shownPart(answer: unknown, page: unknown): unknown {
  if (Array.isArray(answer) && Array.isArray(page)) {
    const items = page.at(-1) === OTHERS ? answer.slice(0, page.length - 1) : answer;
    return items.map((item, i) => shownPart(item, page[i]));
  }
  if (!isObject(answer) || !isObject(page)) return answer;
  const names = Object.keys(answer).filter((name) => name !== OTHERS && (!(OTHERS in page) || name in page));
  return Object.fromEntries(names.toSorted().map((name) => [name, shownPart(answer[name], page[name])]));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

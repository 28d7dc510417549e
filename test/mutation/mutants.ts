import { createHash } from 'node:crypto';
import { stripTypeScriptTypes } from 'node:module';

/** One small change of a source file: what stands at `[from, until)` becomes `put`. */
export type Mutant = {
  readonly path: string;
  readonly language: 'sql' | 'code';
  readonly from: number;
  readonly until: number;
  readonly put: string;
};

/** What is looked for, and what may stand there instead. */
type Rule = readonly [found: RegExp, puts: (found: readonly string[]) => readonly string[]];

const swap = (...pairs: readonly (readonly [string, string])[]): Rule => {
  const other = new Map(pairs.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
  const words = [...other.keys()].map((word) => word.replaceAll(/[.*+?()|[\]]/g, String.raw`\$&`));
  return [new RegExp(words.join('|'), 'g'), ([word]) => [other.get(word!)!]];
};
const to = (found: RegExp, put: string): Rule => [found, () => [put]];

// A condition reaches to the next one, to the end of its clause or parenthesis, or of its line; it may hold parentheses.
const CONDITION = String.raw`(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)|(?!\b(?:and|or|group|order|limit|offset|union)\b)[^()\n\`])+`;

const OTHER_BOUND: Record<string, string> = { '<=': '<', '>=': '>', '<': '<=', '>': '>=', '<>': '=' };

const condition = (behind: string): RegExp => new RegExp(behind + CONDITION, 'g');

/** Rules of SQL. A condition on `shard` only says where a row lies: without it the same rows are found. */
const SQL: readonly Rule[] = [
  [/(?<= )(<=|>=|<>|<|>)(?= )/g, ([op]) => [OTHER_BOUND[op!]!]],
  // Left out so that its parameters still have a type.
  [condition(String.raw`(?<=\sand )(?!\S*shard\b)`), ([one]) => [`(${one!.trim()} or true) `]],
  [condition(String.raw`(?<=\b(?:where|on) )(?!\S*shard\b|true)`), ([one]) => [`(${one!.trim()} or true) `]],
  [condition(String.raw`(?<=\sor )`), ([one]) => [`(${one!.trim()} and false) `]],
  swap(['is null', 'is not null'], [' exists', ' not exists'], ['min(', 'max('], ['greatest(', 'least(']),
  swap([' asc', ' desc'], [' + ', ' - ']),
  [/\bleft join\b|(?<!cross )\bjoin\b/g, ([join]) => [join === 'join' ? 'left join' : 'join']],
  to(/\bunion all\b/g, 'union'),
  to(/\bdistinct /g, ''),
  to(/ filter \(where (?:[^()]|\([^()]*\))*\)/g, ''),
  to(/(?<=order by )[\w.]+(?: desc)?, /g, ''),
  [/coalesce\(([^(),]+|\w+\([^()]*\)), ([^()]+)\)/g, ([, value]) => [`(${value})`]],
  to(/(?<=')[A-Z_]{4,}(?=')/g, 'NONE_SUCH'),
];

const CODE: readonly Rule[] = [
  [/(?<= )(<=|>=|<|>)(?= )/g, ([op]) => [OTHER_BOUND[op!]!]],
  swap(['===', '!=='], [' && ', ' || '], ['.some(', '.every('], ['Math.min(', 'Math.max('], [' + ', ' - ']),
  swap(['true', 'false'], ['.at(0)', '.at(-1)']),
  to(/(?<=[\s(])!(?=[\w(])/g, ''),
  [/(?<=[\s(])(\d+)n?(?=[\s,;)])/g, ([all, digits]) => [all!.replace(digits!, String(Number(digits) + 1))]],
  [/\.filter\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g, () => ['']],
  [/\bif \(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g, () => ['if (true)', 'if (false)']],
  [/(?<=\n) +(?:await |void )?[\w.]+\((?:[^()\n]|\([^()\n]*\))*\);(?=\n)/g, () => ['']],
  to(/(?<=\?\? )[\w.[\]]+/g, 'undefined'),
];

/** Every mutant of a file: in order of its place. */
export function mutantsOf(path: string, source: string): readonly Mutant[] {
  // Types are blanks here, and comments too: everything else stands where it stood.
  const bare = stripTypeScriptTypes(source);
  const { code, sql } = partsOf(bare);
  const found = (language: Mutant['language'], text: string, rules: readonly Rule[]) =>
    rules.flatMap(([pattern, puts]) =>
      [...text.matchAll(new RegExp(pattern, 'gd'))].flatMap(({ indices }) => {
        const parts = indices!.map((place) => source.slice(...(place ?? [0, 0])));
        const [from, until] = indices![0]!;
        return puts(parts).map((put) => ({ path, language, from, until, put }));
      }),
    );
  return [...found('sql', sql, SQL), ...found('code', code, CODE)].toSorted((a, b) => a.from - b.from);
}

/** Those that a seed picks: the same ones of a line whatever else of its file has changed. */
export function sampleOf(
  mutants: readonly Mutant[],
  { seed, count }: { readonly seed: string; readonly count: number },
  textOf: (mutant: Mutant) => string,
): readonly Mutant[] {
  const rank = (mutant: Mutant) =>
    createHash('sha256')
      .update(`${seed} ${textOf(mutant).replace(/:\d+ /, ' ')}`)
      .digest('hex');
  return mutants
    .map((mutant) => ({ mutant, rank: rank(mutant) }))
    .toSorted((a, b) => (a.rank < b.rank ? -1 : 1))
    .slice(0, count)
    .map(({ mutant }) => mutant);
}

const LOOKS_LIKE_SQL =
  /\b(select|join|where|order by|delete from|update \w+|insert into) |\b\w+\.\w+ (=|<=?|>=?|<>|is|in) /;

/** The text twice, each time with all but one language blanked out: code, and literals that hold SQL. */
function partsOf(bare: string): { readonly code: string; readonly sql: string } {
  const code = bare.split('');
  const sql: string[] = bare.replaceAll(/[^\n]/g, '`').split('');
  const literal =
    /\/\*[^]*?\*\/|\/\/[^\n]*|(?<=[(,=:[!&|?;]\s*)\/(?![*/])(?:[^/\\\n]|\\.)+\/|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`/g;
  for (let match = literal.exec(bare); match !== null; match = literal.exec(bare)) {
    const isTemplate = match[0] === '`';
    const end = isTemplate ? endOfTemplate(bare, match.index) : match.index + match[0].length;
    const text = bare.slice(match.index, end);
    const isSql = /^['"`]/.test(text) && LOOKS_LIKE_SQL.test(text);
    // What a template puts in stays out of both, but for one word: a name is no rule.
    const own = isTemplate ? text.replaceAll(/--[^\n]*/g, blanks).replaceAll(/\$\{[^{}]*\}/g, holes) : text;
    for (let i = match.index + 1; i < end - 1; i += 1) {
      code[i] = bare[i] === '\n' ? '\n' : ' ';
      if (isSql) sql[i] = own[i - match.index]!;
    }
    literal.lastIndex = end;
  }
  return { code: code.join(''), sql: sql.join('') };
}

const blanks = (text: string): string => ' '.repeat(text.length);
const holes = (text: string): string => 'x'.repeat(text.length);

function endOfTemplate(text: string, start: number): number {
  let depth = 0;
  for (let i = start + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text.startsWith('${', i)) depth += 1;
    else if (text[i] === '}' && depth > 0) depth -= 1;
    else if (text[i] === '`' && depth === 0) return i + 1;
    else if (text[i] === '`') i = endOfTemplate(text, i) - 1;
  }
  return text.length;
}

/** The source with the change in it. */
export const changed = (source: string, { from, until, put }: Mutant): string =>
  source.slice(0, from) + put + source.slice(until);

const lineOf = (source: string, { from }: Mutant): number => source.slice(0, from).split('\n').length;

/** Where, and what of the line becomes what. */
export function described(source: string, mutant: Mutant): string {
  const { path, from, until, put } = mutant;
  const [line] = source.slice(source.lastIndexOf('\n', from - 1) + 1).split('\n');
  const was = source.slice(from, until).trim();
  return `${path}:${lineOf(source, mutant)} | ${line!.trim()} | ${was} → ${put.trim() || '(left out)'}`;
}

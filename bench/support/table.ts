import { isMet, type Figure, type Row, type Side } from './figure.ts';

/** What became of a figure: its rows, or why there are none. */
export type Taken = {
  readonly figure: string;
  readonly goal: string;
  readonly takenAt: string;
  /** What the machine was and did meanwhile. */
  readonly machine: string;
  readonly rows: readonly Row[];
  /** Why it could not be taken; null where it was. */
  readonly failure: string | null;
};

const HEAD = ['Measured', 'Ours', 'The other side', 'Ratio', 'Goal', 'Met', 'Conditions'];

/** The table as Markdown: one section for each figure. */
export const markdownOf = (taken: readonly Taken[]): string =>
  taken
    .map(({ figure, goal, takenAt, machine, rows, failure }) =>
      [
        `## ${figure}\n\nGoal: ${goal}. Taken ${takenAt} on ${machine}.`,
        failure === null ? tableOf(rows) : `**Not taken:** ${failure}`,
      ].join('\n\n'),
    )
    .join('\n\n');

const tableOf = (rows: readonly Row[]): string =>
  [HEAD, HEAD.map(() => '---'), ...rows.map(cellsOf)].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

function cellsOf(row: Row): readonly string[] {
  const met = isMet(row);
  const { goal, ratio } = row;
  return [
    row.measured,
    sideOf(row.ours),
    row.other === null ? '–' : sideOf(row.other),
    ratio === null ? '–' : `${numberOf(ratio)} ×`,
    goal === null
      ? '–'
      : `${goal.bound === 'at least' ? '≥' : '≤'} ${numberOf(goal.value)}${ratio === null ? ` ${row.ours.unit}` : ' ×'}`,
    met === null ? '–' : met ? 'yes' : '**no**',
    row.conditions,
  ];
}

const sideOf = ({ what, value, unit }: Side): string => `${what}: ${numberOf(value)} ${unit}`;

/** Three digits that count, and no more than there are; a dash for what never came, which JSON keeps as null. */
function numberOf(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** A later run of a figure replaces the earlier one; the order is that of the figures. */
export function merged(
  figures: readonly Figure[],
  before: readonly Taken[],
  after: readonly Taken[],
): readonly Taken[] {
  const byName = new Map([...before, ...after].map((one) => [one.figure, one]));
  return figures.flatMap(({ name }) => byName.get(name) ?? []);
}

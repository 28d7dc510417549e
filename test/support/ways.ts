import { readFileSync } from 'node:fs';

/**
 * How control goes from the wire through the house, file by file, as docs/architecture.md lists it. Whoever reads on never
 * goes back to a room that has been left, and every file is one that an earlier one calls.
 */
export const WAYS = [
  { heading: 'A spend, from the wire to its commit and back', most: 25 },
  { heading: 'A balance of the past', most: 12 },
] as const;

export type Way = (typeof WAYS)[number]['heading'];

/** The files below `src` that a way names, in order. */
export function wayOf(heading: Way): readonly string[] {
  const sections = readFileSync('docs/architecture.md', 'utf8').split(/^#+ /m);
  const lines = sections.find((section) => section.startsWith(`${heading}\n`))?.split('\n') ?? [];
  return lines
    .filter((line) => /^\d+\. /.test(line))
    .flatMap((line) => [...line.matchAll(/\]\(\.\.\/src\/([^)]+\.ts)\)/g)].map(([, path]) => path!));
}

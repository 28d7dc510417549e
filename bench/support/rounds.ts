import { median } from './samples.ts';

/** A side of a comparison: does its work for one round and says how it went, in whatever unit the figure has. */
export type Contender = { readonly name: string; readonly round: () => Promise<number> };

/** What each side did in each round, by name. */
export type Rounds = Readonly<Record<string, readonly number[]>>;

/**
 * Runs the sides in turn, in every other round in the opposite order, so that what the machine does besides hits them
 * alike and nobody always goes first.
 */
export async function interleave(contenders: readonly Contender[], rounds: number): Promise<Rounds> {
  const results: Record<string, number[]> = Object.fromEntries(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed();
    for (const { name, round: play } of order) results[name]!.push(await play());
  }
  return results;
}

/** The median over the rounds of one side. */
export const typical = (rounds: Rounds, name: string): number => median(rounds[name] ?? []);

/** The median over the rounds of `a` to `b` within a round: both saw the same machine. */
export const ratioOf = (rounds: Rounds, a: string, b: string): number =>
  median(rounds[a]!.map((value, round) => value / rounds[b]![round]!));

/** `3 rounds, ratios 1.20 to 1.41` */
export function agreement(rounds: Rounds, a: string, b: string): string {
  const ratios = rounds[a]!.map((value, round) => value / rounds[b]![round]!);
  const [least, most] = [Math.min(...ratios), Math.max(...ratios)];
  return `${ratios.length} interleaved rounds, ratios ${least.toFixed(2)} to ${most.toFixed(2)}`;
}

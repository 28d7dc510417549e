/** A line chart on two logarithmic axes, as SVG: plain shapes and text, legible on light and dark pages. */

export type Line = { readonly label: string; readonly points: readonly (readonly [x: number, y: number])[] };
export type Axes = { readonly title: string; readonly x: string; readonly y: string };

const [WIDTH, HEIGHT] = [760, 420];
const PLOT = { left: 70, right: 30, top: 50, bottom: 60 };
const COLORS = ['#c2410c', '#0369a1', '#15803d', '#7e22ce'];
const INK = '#6b7280';

export function picture(axes: Axes, lines: readonly Line[]): string {
  const all = lines.flatMap(({ points }) => points);
  const x = scale(
    all.map(([value]) => value),
    PLOT.left,
    WIDTH - PLOT.right,
  );
  const y = scale(
    all.map(([, value]) => value),
    HEIGHT - PLOT.bottom,
    PLOT.top,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    text(WIDTH / 2, 22, axes.title, 'middle', INK, 15),
    ...x.decades.flatMap((value) => [
      rule(x.at(value), PLOT.top, x.at(value), HEIGHT - PLOT.bottom),
      text(x.at(value), HEIGHT - PLOT.bottom + 18, labelOf(value), 'middle'),
    ]),
    ...y.decades.flatMap((value) => [
      rule(PLOT.left, y.at(value), WIDTH - PLOT.right, y.at(value)),
      text(PLOT.left - 8, y.at(value) + 4, labelOf(value), 'end'),
    ]),
    text(WIDTH / 2, HEIGHT - 16, axes.x, 'middle'),
    text(PLOT.left, PLOT.top - 10, axes.y, 'middle'),
    ...lines.map((line, i) => drawn(line, COLORS[i % COLORS.length]!, x.at, y.at)),
    ...lines.map(({ label }, i) =>
      text(PLOT.left + 14, PLOT.top + 18 + i * 17, label, 'start', COLORS[i % COLORS.length]),
    ),
    '</svg>\n',
  ].join('\n');
}

type Scale = { readonly at: (value: number) => number; readonly decades: readonly number[] };

/** Whole powers of ten around the values, from `start` to `end` in pixels. */
function scale(values: readonly number[], start: number, end: number): Scale {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  return {
    at: (value) => Math.round((start + ((Math.log10(value) - low) / (high - low)) * (end - start)) * 10) / 10,
    decades: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
  };
}

function drawn({ points }: Line, color: string, x: Scale['at'], y: Scale['at']): string {
  const path = points.map(([px, py]) => `${x(px)},${y(py)}`).join(' ');
  const dots = points
    .map(([px, py]) => `<circle cx="${x(px)}" cy="${y(py)}" r="3.5" fill="${color}"/>`)
    .join('');
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>${dots}`;
}

const labelOf = (value: number): string =>
  value >= 1 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(2)));

const rule = (x1: number, y1: number, x2: number, y2: number): string =>
  `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${INK}" stroke-opacity="0.25"/>`;

const text = (x: number, y: number, of: string, anchor: string, color = INK, size = 12): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${color}" font-size="${size}">${of}</text>`;

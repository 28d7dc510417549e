import pg from 'pg';

/** What psql prints for a query, without the rule below the names, and but for how wide its columns are. */
export async function printedTable(url: string, query: string): Promise<string> {
  const asTold = { getTypeParser: () => (text: string) => text };
  const client = new pg.Client({ connectionString: url, types: asTold, options: '-c timezone=UTC' });
  await client.connect();
  try {
    const { fields, rows } = await client.query<(string | null)[]>({ text: query, rowMode: 'array' });
    const lines = [fields.map(({ name }) => name), ...rows.map((row) => row.map((value) => value ?? ''))];
    const count = `(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`;
    return [...lines.map((line) => line.join(' | ')), count].join('\n');
  } finally {
    await client.end();
  }
}

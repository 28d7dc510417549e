import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { connect as connectDatabase, statement } from '../../src/db/database.ts';
import { startDatabaseRelay, statementMarks } from './database-relay.ts';
import { testDatabase } from './postgres.ts';
import { startRelay, type Relay } from './relay.ts';
import { openSql } from './sql.ts';
import { untilSo } from './until.ts';

/** The relay does what it says, and nothing else: a fault that never came would make every test of it pass. */

/** One end of a connection, and all it has heard. */
type End = { readonly socket: Socket; heard(): string; state(): 'open' | 'ended' | 'reset' };

function listening(socket: Socket): End {
  let heard = '';
  let state: 'open' | 'ended' | 'reset' = 'open';
  socket.on('data', (piece) => (heard += String(piece)));
  socket.on('end', () => (state = 'ended'));
  socket.on('error', () => (state = 'reset'));
  return { socket, heard: () => heard, state: () => state };
}

const hears = (end: End, all: string) => untilSo(`${all} is heard`, () => end.heard() === all);

/** A relay before a server, and a way to make connections through it of which both ends are known. */
async function relayed() {
  const ends: End[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => ends.push(listening(socket)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const relay = await startRelay({ port: (server.address() as AddressInfo).port });
  onTestFinished(async () => {
    await relay.close();
    ends.forEach(({ socket }) => socket.destroy());
    server.close();
  });
  const open = async (): Promise<{ near: End; far: End }> => {
    const before = ends.length;
    const near = listening(connect({ port: relay.port, allowHalfOpen: true }));
    onTestFinished(() => void near.socket.destroy());
    await untilSo('both ends are connected', () => ends.length > before);
    return { near, far: ends.at(-1)! };
  };
  return { relay, open };
}

describe('a relay', () => {
  test('passes on what both sides say, and that one has ended, while the other goes on', async () => {
    const { open } = await relayed();
    const { near, far } = await open();
    near.socket.end('question');
    await untilSo('the end is heard', () => far.state() === 'ended');
    far.socket.end('answer');
    await untilSo('the end is heard', () => near.state() === 'ended');

    expect([far.heard(), near.heard()]).toEqual(['question', 'answer']);
  });

  test('that cuts resets both ends of all connections, and takes new ones', async () => {
    const { relay, open } = await relayed();
    const all = [await open(), await open()];
    expect(relay.connections()).toBe(2);
    relay.cut();
    for (const end of all.flatMap(({ near, far }) => [near, far])) {
      await untilSo('it is reset', () => end.state() === 'reset');
    }

    const { near, far } = await open();
    near.socket.write('again');
    await hears(far, 'again');
    expect(relay.connections()).toBe(1);
  });

  test('that is silent passes on nothing, no end either, but for new connections; then all, in order', async () => {
    const { relay, open } = await relayed();
    const { near, far } = await open();
    relay.silence('existing');
    for (const word of ['a', 'b', 'c']) near.socket.write(word);
    near.socket.end();
    far.socket.write('d');

    const other = await open();
    other.near.socket.write('new');
    await hears(other.far, 'new');
    expect([far.heard(), far.state(), near.heard()]).toEqual(['', 'open', '']);
    relay.heal();
    await hears(near, 'd');
    await untilSo('the end is heard', () => far.state() === 'ended');
    expect(far.heard()).toBe('abc');
  });

  test('that is silent one way passes on the other', async () => {
    const { relay, open } = await relayed();
    const { near, far } = await open();
    relay.silence('existing', ['back']);
    far.socket.write('answer');
    near.socket.write('question');

    await hears(far, 'question');
    expect(near.heard()).toBe('');
  });

  test('that is silent for all takes new connections and tells them nothing', async () => {
    const { relay, open } = await relayed();
    relay.silence('all', ['back']);
    const { near, far } = await open();
    far.socket.write('answer');
    near.socket.write('question');

    await hears(far, 'question');
    expect(near.heard()).toBe('');
    relay.heal();
    await hears(near, 'answer');
  });

  test('that delays keeps the order', async () => {
    const { relay, open } = await relayed();
    const { near, far } = await open();
    relay.delay(5);
    for (const word of ['a', 'b', 'c', 'd']) near.socket.write(word);

    await untilSo('all is heard', () => far.heard().length === 4);
    expect(far.heard()).toBe('abcd');
  });

  test('holds a connection after so many bytes to the byte, until it may go on or is cut', async () => {
    const { relay, open } = await relayed();
    const [one, two] = [await open(), await open()];
    const [first, second] = [relay.next({ way: 'there', bytes: 4 }), relay.next({ way: 'there', bytes: 6 })];
    one.near.socket.write('012345678');
    const held = await first;
    two.near.socket.write('abc');
    await hears(two.far, 'abc');
    expect(one.far.heard()).toBe('0123');
    held.goOn();
    const again = await second;
    await hears(one.far, '012345');
    again.cut();

    await untilSo('it is reset', () => one.far.state() === 'reset');
    expect([one.far.heard(), two.far.state()]).toEqual(['012345', 'open']);
  });

  test('tells whoever waits for a place to which none came', async () => {
    const relay: Relay = await startRelay({ port: 1 });
    const never = relay.next({ way: 'back', bytes: 1 });
    await relay.close();

    await expect(never).rejects.toThrow('no connection came to {"way":"back","bytes":1}');
  });
});

const { url } = await testDatabase('empty');
const note = statement('note', 'insert into notes values ($1)');

/** A service's connection through a relay, and one beside it. */
async function database() {
  const relay = await startDatabaseRelay(url);
  const through = connectDatabase({ url: relay.databaseUrl, poolSize: 1 });
  const sql = await openSql(url);
  await sql.rows('drop table if exists notes');
  await sql.rows('create table notes (text text)');
  onTestFinished(async () => {
    await through.close();
    await relay.close();
    await sql.end();
  });
  const write = (text: string) =>
    through.transaction(async (connection) => connection.beforeCommit([connection.run(note, [text])]));
  const notes = async () =>
    (await sql.rows<{ text: string }>('select text from notes')).map(({ text }) => text);
  const inTransaction = async () =>
    (await sql.rows(`select from pg_locks where relation = 'notes'::regclass and pid <> pg_backend_pid()`))
      .length > 0;
  return { relay, through, write, notes, inTransaction };
}

describe('a relay before Postgres', () => {
  test('holds a commit back: what was written before it waits, is nobody’s, and is gone after a cut', async () => {
    const { relay, write, notes, inTransaction } = await database();
    // Prepared on the way, then as prepared before.
    const first = relay.before('commit');
    const writing = write('first');
    (await first).goOn();
    await writing;
    const commit = relay.before('commit');
    const lost = write('second');
    const held = await commit;
    await untilSo('it is written', inTransaction);
    expect(await notes()).toEqual(['first']);
    held.cut();

    await expect(lost).rejects.toThrow(/terminated|ECONNRESET/);
    await untilSo('it is rolled back', async () => !(await inTransaction()));
    expect(await notes()).toEqual(['first']);
  });

  test('holds the answer to a commit back: it has happened, and nobody hears of it after a cut', async () => {
    const { relay, write, notes } = await database();
    const commit = relay.answerTo('commit');
    const writing = write('done');
    const held = await commit;
    expect(await notes()).toEqual(['done']);
    held.cut();

    await expect(writing).rejects.toThrow(/terminated|ECONNRESET/);
    await write('again');
    expect(await notes()).toEqual(['done', 'again']);
  });

  test('finds a statement that is sent as a text, and answers behind one that failed', async () => {
    const { relay, through } = await database();
    await expect(through.run(statement('fails', 'select 1 / 0'))).rejects.toThrow('division');
    const client = await openSql(relay.databaseUrl);
    const [asked, answered] = [relay.before('begin'), relay.answerTo('begin')];
    const begun = client.rows('BEGIN');
    (await asked).goOn();
    (await answered).goOn();

    expect(await begun).toEqual([]);
    await client.end();
  });

  test('refuses what it does not understand', async () => {
    const relay = await startDatabaseRelay(url);
    const socket = connect(relay.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await untilSo('it is cut', () => socket.destroyed);

    await expect(relay.close()).rejects.toThrow('this is not the protocol of Postgres');
  });
});

test('marks are the same however what is said falls into pieces', () => {
  const message = (type: string, body: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(4 + body.length);
    return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
  };
  const bind = (name: string) => message('B', `\0${name}\0\0\0\0\0\0\0`);
  const there = Buffer.concat([
    message('', 'startup'),
    bind('one'),
    message('E', 'exec'),
    bind('two'),
    message('S', ''),
    message('Q', 'BEGIN\0'),
    bind('three'),
  ]);
  const back = Buffer.concat([
    message('2', ''),
    message('C', 'SELECT 1\0'),
    message('E', 'no'),
    message('Z', 'I'),
    message('C', 'BEGIN\0'),
    message('Z', 'T'),
    message('C', 'x\0'),
  ]);
  const namesIn = (size: number) => {
    const marks = statementMarks();
    const cut = (whole: Buffer) =>
      Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
        whole.subarray(i * size, (i + 1) * size),
      );
    return [
      cut(there).flatMap((piece) => marks.there(piece).map(({ name }) => name)),
      cut(back).flatMap((piece) => marks.back(piece).map(({ name }) => name)),
    ];
  };

  for (const size of [1, 2, 3, 7, 1_000]) {
    expect(namesIn(size)).toEqual([
      ['one', 'two', 'begin', 'three'],
      ['one', 'begin', 'three'],
    ]);
  }
});

import { protocols } from './clients.ts';

/** A process that follows the probe by one protocol and says when it has read something; for killing it. */
const [url = '', protocol = ''] = process.argv.slice(2);
const connect = protocols[protocol as keyof typeof protocols];
for await (const { count } of connect(url).follow({ name: 'Ada' })) process.stdout.write(`${count}\n`);

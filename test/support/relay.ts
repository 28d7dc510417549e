import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A port between callers and instances, as a load balancer is: a test turns it elsewhere, and cuts what goes through. */
export type Relay = {
  readonly url: string;
  /** New connections go to this instance from now on. */
  turnTo(instance: { readonly port: number }): void;
  /** Breaks all connections, without a word to either side. */
  cut(): void;
  close(): Promise<void>;
};

export async function startRelay(first: { readonly port: number }): Promise<Relay> {
  let target = first;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((near) => {
    const far = connect(target.port, '127.0.0.1');
    for (const socket of [near, far]) keep(socket);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    turnTo: (instance) => {
      target = instance;
    },
    cut,
    async close() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

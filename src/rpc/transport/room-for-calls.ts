import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { MAX_CONCURRENT_CALLS } from './limits.ts';

const rooms = new WeakMap<ServerHttp2Session, { lasting: number; most: number }>();

/**
 * Tells the other side of a connection that it may open one more: a stream that lasts must not take the place of calls.
 * The number doubles, so that not each of ten thousand watches is told.
 */
export function keepRoomForCalls(stream: ServerHttp2Stream): void {
  const session = stream.session as ServerHttp2Session;
  const room = rooms.get(session) ?? { lasting: 0, most: MAX_CONCURRENT_CALLS };
  rooms.set(session, room);
  room.lasting += 1;
  stream.once('close', () => (room.lasting -= 1));
  if (room.lasting + MAX_CONCURRENT_CALLS <= room.most) return;
  room.most *= 2;
  session.settings({ maxConcurrentStreams: room.most });
}

import { EventEmitter, once } from 'node:events';
import { Health, HealthCheckResponse_ServingStatus as Status } from '#gen/grpc/health/v1/health_pb.ts';
import { refuse } from '../refusal.ts';
import type { HandlerContext } from '@connectrpc/connect';
import type { Readiness } from '../live/readiness.ts';
import { mount, type MountedService } from './call/mounted-service.ts';

/**
 * `grpc.health.v1.Health` of the whole server (the empty name) and of each of the given services: they are ready together.
 * Whoever watches is told of every change.
 */
export function createHealth(serviceNames: readonly string[], readiness: Readiness): MountedService {
  const names = new Set(['', ...serviceNames]);
  const changes = new EventEmitter().setMaxListeners(0);
  readiness.subscribe(() => changes.emit('change'));

  const current = () => (readiness.unready() === null ? Status.SERVING : Status.NOT_SERVING);

  // A name that is not known now will not be later: services do not come and go in this process.
  const statusOf = (name: string) => (names.has(name) ? current() : Status.SERVICE_UNKNOWN);

  async function* watch({ service }: { service: string }, { signal }: HandlerContext) {
    for (;;) {
      const status = statusOf(service);
      yield { status };
      // What changed while the reader was slow shows here, so no change is waited for in vain.
      while (statusOf(service) === status) await once(changes, 'change', { signal });
    }
  }

  return mount(
    Health,
    {
      check: async ({ service }) => {
        if (!names.has(service))
          refuse('SERVICE_NOT_FOUND', `no service has the name ${service}`, { id: service.slice(0, 256) });
        return { status: current() };
      },
      list: async () => ({
        statuses: Object.fromEntries([...names].map((name) => [name, { status: current() }])),
      }),
      watch,
    },
    { isPublic: true },
  );
}

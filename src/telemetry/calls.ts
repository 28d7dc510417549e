import { monotonic } from '../db/clock.ts';
import type { CallObserver, ObservedCall } from '../rpc/call/call-observer.ts';
import type { CallHead } from '../rpc/call/incoming-call.ts';
import type { MountedRpc } from '../rpc/call/mounted-service.ts';
import { createDistribution, SECONDS, type Distribution } from './distribution.ts';
import { byLabels, counter, type Family } from './family.ts';

export type CallMetrics = Pick<CallObserver, 'ended' | 'turnedAway'> & {
  /** Names the methods there are: callers may ask for any other, and all of those are one to us. */
  serves(methods: readonly string[]): void;
  readonly families: readonly Family[];
};

/** The codes of what nobody refused. */
const FAULTS: ReadonlySet<string> = new Set(['INTERNAL', 'UNKNOWN', 'DATA_LOSS']);

/** As OpenTelemetry's conventions call a method that is none. */
const OTHER = '_OTHER';

/** As OpenTelemetry's conventions call what a call came by: gRPC-Web is gRPC to them. */
export const systemOf = (protocol: CallHead['protocol']): 'grpc' | 'connectrpc' =>
  protocol === 'connect' ? 'connectrpc' : 'grpc';

/** Calls by method, code and reason, with how long they took; and those that no handler got. */
export function createCallMetrics(): CallMetrics {
  const durations = byLabels(() => createDistribution(SECONDS));
  const turnedAway = byLabels(() => ({ count: 0 }));
  let faults = 0;
  const methods = new Set<string>();
  // Nearly all calls go well: to find out where to count one of these makes nothing.
  const well = { grpc: new Map<MountedRpc, Distribution>(), connectrpc: new Map<MountedRpc, Distribution>() };

  function durationsOf({ method: { name }, protocol }: ObservedCall, code: string, reason: string) {
    const system = systemOf(protocol);
    return durations.of(`${system} ${name} ${code} ${reason}`, () => ({
      rpc_system_name: system,
      rpc_method: name,
      rpc_response_status_code: code,
      error_type: reason,
    }));
  }

  function durationsOfGood(call: ObservedCall): Distribution {
    const ofProtocol = well[systemOf(call.protocol)];
    const known = ofProtocol.get(call.method);
    if (known !== undefined) return known;
    const made = durationsOf(call, 'OK', '');
    ofProtocol.set(call.method, made);
    return made;
  }

  return {
    serves(named) {
      for (const name of named) methods.add(name);
    },
    ended(call, code, reason) {
      const of = code === 'OK' ? durationsOfGood(call) : durationsOf(call, code, reason ?? code);
      of.observe((monotonic() - call.startedAt) / 1_000);
      if (FAULTS.has(code)) faults += 1;
    },
    turnedAway(name, reason) {
      const method = methods.has(name) ? name : OTHER;
      turnedAway.of(`${method} ${reason}`, () => ({ rpc_method: method, error_type: reason })).count += 1;
    },
    families: [
      // There from the beginning: of a series that begins with the first fault Prometheus does not see that it grew.
      counter(
        'credit_ledger_faults_total',
        'Calls that ended in a fault of ours: a bug, or data that cannot be.',
        () => faults,
      ),
      {
        name: 'rpc_server_call_duration_seconds',
        help: 'How long calls took, by how they ended; of a stream: how long it was open.',
        type: 'histogram',
        bounds: SECONDS,
        read: durations.all,
      },
      {
        name: 'credit_ledger_calls_turned_away_total',
        help: 'Calls that were refused by their head or for want of a slot, before anything of them was decoded.',
        type: 'counter',
        *read() {
          for (const [labels, { count }] of turnedAway.all()) yield [labels, count];
        },
      },
    ],
  };
}

import type { DescService, Registry } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { createServiceImplSpec, type MethodImplSpec, type ServiceImpl } from '@connectrpc/connect';

/** One RPC with its implementation. */
export type MountedRpc = Exclude<MethodImplSpec, { kind: 'client_streaming' }> & {
  /** `credit.v1.CreditService/GetBalance`, as logs and errors name it. */
  readonly name: string;
  /** Needs no token: health and reflection. */
  readonly isPublic: boolean;
};

export type UnaryRpc = Extract<MountedRpc, { kind: 'unary' }>;
export type StreamRpc = Exclude<MountedRpc, UnaryRpc>;

/** A service with its implementation, ready for any transport. */
export type MountedService = {
  readonly service: DescService;
  readonly rpcs: readonly MountedRpc[];
  /** What `google.protobuf.Any` may hold in an answer in JSON; default nothing, as in all of the contract. */
  readonly registry?: Registry;
};

/**
 * Pairs a service with its implementation. Connect would answer an RPC that was forgotten with UNIMPLEMENTED, and no
 * middleware here takes a stream of requests that has one answer: both are found at the start.
 */
export function mount<S extends DescService>(
  service: S,
  implementation: ServiceImpl<S>,
  { isPublic = false, registry }: { readonly isPublic?: boolean; readonly registry?: Registry } = {},
): MountedService {
  const rpcs = Object.values(createServiceImplSpec<S>(service, implementation).methods).map((spec) => {
    const name = `${service.typeName}/${spec.method.name}`;
    if (!Object.hasOwn(implementation, spec.method.localName)) throw new TypeError(`${name} has no handler`);
    if (spec.kind === 'client_streaming')
      throw new TypeError(`${name}: client streaming is not supported by the middleware`);
    return { ...spec, name, isPublic };
  });
  return { service, rpcs, ...(registry && { registry }) };
}

/** Whether the proto declares it NO_SIDE_EFFECTS: it may be asked by GET, and with a token that may only read. */
export const changesNothing = ({ method }: MountedRpc): boolean =>
  method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

import { getOption, type DescMethod, type DescService, type Registry } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { createServiceImplSpec, type MethodImplSpec, type ServiceImpl } from '@connectrpc/connect';
import { Right as RightOption, right as rightOption } from '#gen/credit/v1/right_pb.ts';
import type { Right } from '../../credentials/credential.ts';
import { nameOf } from '../wire.ts';
import { addressingOf, type Addressing } from './namespaces.ts';

/** One RPC with its implementation. What streams to the server alone is a stream both ways, with one answer. */
export type MountedRpc = Exclude<MethodImplSpec, { kind: 'client_streaming' }> & {
  /** `credit.v1.CreditService/GetBalance`, as logs and errors name it. */
  readonly name: string;
  /** What its caller needs, as the proto says; null: nothing, not even a name. Health and reflection are for everybody. */
  readonly right: Right | null;
  /** Where its requests tell their namespace; null where anybody may call it. */
  readonly addressing: Addressing | null;
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
 * Pairs a service with its implementation. What would be noticed by a caller at best is found at the start: an RPC that
 * was forgotten, which Connect would answer with UNIMPLEMENTED, and one of which nobody could say who may call it.
 */
export function mount<S extends DescService>(
  service: S,
  implementation: ServiceImpl<S>,
  { isPublic = false, registry }: { readonly isPublic?: boolean; readonly registry?: Registry } = {},
): MountedService {
  const rpcs = Object.values(createServiceImplSpec<S>(service, implementation).methods).map((spec) => {
    const name = `${service.typeName}/${spec.method.name}`;
    if (!Object.hasOwn(implementation, spec.method.localName)) throw new TypeError(`${name} has no handler`);
    const rpc = { ...withoutOneWay(spec), name };
    if (isPublic) return { ...rpc, right: null, addressing: null };
    if (rpc.kind === 'bidi_streaming') throw new TypeError(`${name}: a stream of requests has no namespace`);
    return { ...rpc, right: rightOf(spec.method), addressing: addressingOf(spec.method.input) };
  });
  return { service, rpcs, ...(registry && { registry }) };
}

/** The right that a method's option says. */
export function rightOf(method: DescMethod): Right {
  const right = nameOf(RightOption, getOption(method, rightOption));
  if (right === null) throw new TypeError(`${method.parent.typeName}/${method.name} says no right`);
  return right;
}

function withoutOneWay(spec: MethodImplSpec): Exclude<MethodImplSpec, { kind: 'client_streaming' }> {
  if (spec.kind !== 'client_streaming') return spec;
  const { method, impl } = spec;
  async function* answered(...call: Parameters<typeof impl>) {
    yield await impl(...call);
  }
  return { kind: 'bidi_streaming', method: method as never, impl: answered };
}

/** Whether the proto declares it NO_SIDE_EFFECTS: it may be asked by GET. */
export const changesNothing = ({ method }: MountedRpc): boolean =>
  method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;

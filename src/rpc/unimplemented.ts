import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { refuse } from '../refusal.ts';
import type { Implementation } from './mounted-service.ts';

/** The RPCs of a service without a handler, by the names they have in the proto. */
export function missingMethods<S extends DescService>(
  service: S,
  implementation: Partial<Implementation<S>>,
): readonly string[] {
  const handlers = implementation as Readonly<Record<string, unknown>>;
  return service.methods.filter(({ localName }) => handlers[localName] === undefined).map(({ name }) => name);
}

/** Completes an implementation: an RPC without a handler is refused with UNIMPLEMENTED. */
export function withUnimplemented<S extends DescService>(
  service: S,
  implementation: Partial<Implementation<S>>,
): Implementation<S> {
  const refusals = service.methods.map((method) => [method.localName, refuseAlways(method)]);
  return { ...Object.fromEntries(refusals), ...implementation } as Implementation<S>;
}

function refuseAlways(method: DescMethod) {
  const no = () => refuse('UNIMPLEMENTED', `${method.parent.typeName}/${method.name} is not implemented yet`);
  return method.methodKind === 'unary'
    ? async () => no()
    : // oxlint-disable-next-line require-yield -- a stream that fails before its first message
      async function* () {
        no();
      };
}

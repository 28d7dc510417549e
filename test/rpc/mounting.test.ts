import { expect, test } from 'vitest';
import { mount } from '../../src/rpc/call/mounted-service.ts';
import { Probe, type ProbeImplementation } from './probe.ts';

test('mounting names the RPC whose handler was forgotten', () => {
  const partial: Partial<ProbeImplementation> = { read: async () => ({ text: 'there' }) };

  expect(() => mount(Probe, partial as ProbeImplementation)).toThrow(
    'wiretest.v1.Probe/Write has no handler',
  );
});

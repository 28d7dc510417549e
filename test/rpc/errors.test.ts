import { expect, test } from 'vitest';
import { ErrorReason } from '#gen/credit/v1/error_pb.ts';
import { codeName } from '../../src/rpc/call/access-log.ts';
import { REASONS } from '../../src/reasons.ts';
import { codeOf } from '../../src/rpc/call/errors.ts';

const names = Object.keys(REASONS) as (keyof typeof REASONS)[];

test('the contract has a value for every reason, and none that nobody refuses with', () => {
  const values = Object.keys(ErrorReason).filter((name) => !/^[0-9]+$/.test(name) && name !== 'UNSPECIFIED');

  expect(values.toSorted()).toEqual(names.toSorted());
});

test('every reason is answered with its code', () => {
  expect(names.map((name) => codeName(codeOf(name)))).toEqual(names.map((name) => REASONS[name].code));
});

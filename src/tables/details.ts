import type { Details } from '../credit/grant.ts';
import type { Shape } from '../db/codec.ts';
import { jsonb, optional, text } from '../db/columns.ts';

/** What the caller wrote on a grant or charge, in the columns both have. */
export const DETAILS: Shape<Details> = {
  idempotencyKey: optional(text),
  name: text,
  description: text,
  labels: jsonb,
};

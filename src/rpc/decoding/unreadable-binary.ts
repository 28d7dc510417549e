import { fromBinary, type DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { pathTo } from './unreadable-json.ts';

/**
 * The fields of a message in protobuf's binary format that cannot be read, by their paths; none where the bytes do not
 * even fall into fields. For bytes that are known to be no such message: every field is read for itself once more.
 */
export function unreadableFields(schema: DescMessage, bytes: Uint8Array): readonly string[] {
  try {
    return fieldsUnder('', schema, bytes);
  } catch {
    return [];
  }
}

function fieldsUnder(path: string, schema: DescMessage, bytes: Uint8Array): readonly string[] {
  const reader = new BinaryReader(bytes);
  const found: string[] = [];
  const counts = new Map<number, number>();
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    const valueAt = reader.pos;
    reader.skip(wireType, number);
    if (reader.pos > reader.len) return [];
    const index = counts.get(number) ?? 0;
    counts.set(number, index + 1);
    const field = schema.fields.find((one) => one.number === number);
    if (field === undefined || canBeRead(schema, bytes.subarray(start, reader.pos))) continue;
    const name = field.fieldKind === 'list' ? `${field.name}[${index}]` : field.name;
    const here = pathTo(path, name);
    const isMessage = field.fieldKind !== 'map' && field.message !== undefined;
    const inside =
      isMessage && wireType === WireType.LengthDelimited
        ? fieldsUnder(here, field.message, new BinaryReader(bytes.subarray(valueAt)).bytes())
        : [];
    found.push(...(inside.length > 0 ? inside : [here]));
  }
  return found;
}

function canBeRead(schema: DescMessage, record: Uint8Array): boolean {
  try {
    fromBinary(schema, record);
    return true;
  } catch {
    return false;
  }
}

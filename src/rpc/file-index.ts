import { createFileRegistry, fromBinary, toBinary, type DescFile } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** Looks up what reflection is asked for. A file comes with all it imports, as serialized descriptors. */
export type FileIndex = {
  byName(fileName: string): Uint8Array[] | undefined;
  bySymbol(symbol: string): Uint8Array[] | undefined;
  byExtension(typeName: string, fieldNumber: number): Uint8Array[] | undefined;
  /** Field numbers of the extensions of a message; undefined for an unknown message. */
  extensionNumbers(typeName: string): number[] | undefined;
};

const bytesOf = (file: DescFile) => toBinary(FileDescriptorProtoSchema, file.proto);

/** `descriptors` is a serialized FileDescriptorSet, with source info if comments are to be shown. */
export function createFileIndex(descriptors: Uint8Array): FileIndex {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));

  // Methods, fields and enum values are no types of their own: the name without its last part is.
  const fileOf = (symbol: string): DescFile | undefined => {
    const name = symbol.replace(/^\./, '');
    const owner = registry.get(name) ?? registry.get(name.slice(0, Math.max(name.lastIndexOf('.'), 0)));
    return owner?.file;
  };

  const extensionsOf = (typeName: string) =>
    [...registry].filter((type) => type.kind === 'extension' && type.extendee.typeName === typeName);

  return {
    byName: (fileName) => withImports([...registry.files].find(({ proto }) => proto.name === fileName)),
    bySymbol: (symbol) => withImports(fileOf(symbol)),
    byExtension: (typeName, fieldNumber) => {
      const message = registry.getMessage(typeName);
      return withImports(message && registry.getExtensionFor(message, fieldNumber)?.file);
    },
    extensionNumbers: (typeName) =>
      registry.getMessage(typeName) &&
      extensionsOf(typeName).map((type) => ('number' in type ? type.number : 0)),
  };
}

function withImports(file: DescFile | undefined): Uint8Array[] | undefined {
  if (file === undefined) return undefined;
  // A set keeps the order of insertion: the file that was asked for comes first.
  const files = new Set<DescFile>();
  const visit = (next: DescFile) => {
    if (files.has(next)) return;
    files.add(next);
    next.dependencies.forEach(visit);
  };
  visit(file);
  return [...files].map(bytesOf);
}

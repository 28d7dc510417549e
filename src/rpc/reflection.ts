import { Code } from '@connectrpc/connect';
import { ServerReflection, type ServerReflectionRequest } from '#gen/grpc/reflection/v1/reflection_pb.ts';
import {
  ServerReflection as ServerReflectionAlpha,
  type ServerReflectionRequest as ServerReflectionRequestAlpha,
} from '#gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { createFileIndex, type FileIndex } from './file-index.ts';
import { mount, type MountedService } from './call/mounted-service.ts';

type Question = (ServerReflectionRequest | ServerReflectionRequestAlpha)['messageRequest'];

/**
 * Server reflection, v1 and its twin v1alpha (which older tools ask first), over the given services.
 * `descriptors` is a serialized FileDescriptorSet; `grpcurl describe` shows the comments in it.
 */
export function createReflection(
  descriptors: Uint8Array,
  serviceNames: readonly string[],
): readonly MountedService[] {
  const index = createFileIndex(descriptors);
  const names = [...serviceNames, ServerReflection.typeName, ServerReflectionAlpha.typeName].toSorted();
  const answerTo = (request: { messageRequest: Question }) => answer(index, names, request.messageRequest);

  const current = mount(
    ServerReflection,
    {
      serverReflectionInfo: async function* (requests) {
        for await (const request of requests)
          yield { validHost: request.host, originalRequest: request, messageResponse: answerTo(request) };
      },
    },
    { isPublic: true },
  );
  const alpha = mount(
    ServerReflectionAlpha,
    {
      serverReflectionInfo: async function* (requests) {
        for await (const request of requests)
          yield { validHost: request.host, originalRequest: request, messageResponse: answerTo(request) };
      },
    },
    { isPublic: true },
  );
  return [current, alpha];
}

function answer(index: FileIndex, names: readonly string[], question: Question) {
  switch (question.case) {
    case 'listServices':
      return { case: 'listServicesResponse' as const, value: { service: names.map((name) => ({ name })) } };
    case 'fileByFilename':
      return files(index.byName(question.value), question.value);
    case 'fileContainingSymbol':
      return files(index.bySymbol(question.value), question.value);
    case 'fileContainingExtension': {
      const { containingType, extensionNumber } = question.value;
      return files(
        index.byExtension(containingType, extensionNumber),
        `${containingType}[${extensionNumber}]`,
      );
    }
    case 'allExtensionNumbersOfType': {
      const extensionNumber = index.extensionNumbers(question.value);
      if (extensionNumber === undefined) return notFound(question.value);
      const value = { baseTypeName: question.value, extensionNumber };
      return { case: 'allExtensionNumbersResponse' as const, value };
    }
    case undefined:
      return failure(Code.InvalidArgument, 'the request asks for nothing');
  }
}

const files = (fileDescriptorProto: Uint8Array[] | undefined, what: string) =>
  fileDescriptorProto === undefined
    ? notFound(what)
    : { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };

const notFound = (what: string) => failure(Code.NotFound, `nothing here is called ${what}`);

// A question without an answer does not end the stream: the next one may have one.
const failure = (errorCode: Code, errorMessage: string) => ({
  case: 'errorResponse' as const,
  value: { errorCode, errorMessage },
});

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { createFileRegistry, type DescFile, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { handleBidiStreamingCall, Server, ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

interface Question {
  readonly message_request: "list_services" | "file_containing_symbol" | "file_by_filename" | string;
  readonly file_containing_symbol?: string;
  readonly file_by_filename?: string;
}

/** Adds gRPC's reflection v1 to a server, over a descriptor set as protoc writes it with its imports. */
export function addReflection(server: Server, descriptorSet: Uint8Array): void {
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const services = [...registry].filter((type) => type.kind === "service").map(({ typeName }) => ({ name: typeName }));
  const whole = (file: DescFile): readonly DescFile[] => [file, ...file.dependencies.flatMap(whole)];
  const fileOf = (question: Question): DescFile | undefined => {
    if (question.message_request === "file_by_filename") {
      return [...registry.files].find(({ proto }) => proto.name === question.file_by_filename);
    }
    const symbol = question.file_containing_symbol ?? "";
    const found = registry.get(symbol) ?? registry.get(symbol.slice(0, symbol.lastIndexOf(".")));
    return found?.file;
  };
  const answer: handleBidiStreamingCall<Question, unknown> = (call) => {
    call.on("data", (question: Question) => {
      const file = fileOf(question);
      if (question.message_request === "list_services") call.write({ list_services_response: { service: services } });
      else if (file === undefined) call.write({ error_response: { error_code: 5, error_message: "no such thing" } });
      else {
        const file_descriptor_proto = whole(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
        call.write({ file_descriptor_response: { file_descriptor_proto } });
      }
    });
    call.on("end", () => call.end());
  };
  const folder = join(dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json")), "build/proto");
  const loaded = loadSync("grpc/reflection/v1/reflection.proto", {
    includeDirs: [folder],
    keepCase: true,
    oneofs: true,
  });
  server.addService(loaded["grpc.reflection.v1.ServerReflection"] as ServiceDefinition, {
    ServerReflectionInfo: answer,
  });
}

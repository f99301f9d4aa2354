import { readFileSync } from "node:fs";
import { create, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { compileProtoFiles } from "../../src/cli/triple/proto-files.ts";
import { grpcServiceOf } from "../../src/codecs/protobuf/service.ts";
import type { JavaDefinition, ServiceSchema } from "../../src/model/schema.ts";

/** A FileDescriptorSet, base64, of a .proto file's text. */
export function protobufOf(text: string): string {
  const file = compileProtoFiles({
    files: ["test.proto"],
    paths: ["."],
    read: (path) => (path.endsWith("test.proto") ? text : path.endsWith("orders.proto") ? ordersText() : undefined),
  });
  return Buffer.from(toBinary(FileDescriptorSetSchema, create(FileDescriptorSetSchema, { file: [...file] }))).toString(
    "base64",
  );
}

function ordersText(): string {
  return readFileSync(new URL("../../fixtures/peers/grpc/orders.proto", import.meta.url), "utf8");
}

/** The text of fixtures/peers/grpc/orders.proto. */
export const ordersProto = ordersText();

/** com.acme.OrderService of fixtures/peers/dubbo, as Dubbo's metadata report has it. */
export const ordersJava: JavaDefinition = {
  methods: [
    ["getOrder", "long", "com.acme.Order"],
    ["createOrder", "com.acme.Order", "com.acme.Order"],
    ["cancelOrder", "long", "void"],
    ["listOrders", "int", "java.util.List<com.acme.Order>"],
    ["ordersByKey", "java.util.List<java.lang.String>", "java.util.Map<java.lang.String,com.acme.Order>"],
    ["find", "long", "com.acme.Order"],
    ["find", "java.lang.String", "com.acme.Order"],
    ["sayHi", "java.lang.String", "java.lang.String"],
    ["whoAmI", "", "com.acme.WhoAmI"],
    ["attachments", "", "java.util.Map<java.lang.String,java.lang.String>"],
    ["laterOrder", "long", "java.util.concurrent.CompletableFuture<com.acme.Order>"],
    ["sleep", "long", "java.lang.String"],
    ["notes", "java.lang.String", "int"],
    ["fail", "java.lang.String", "java.lang.String"],
    ["echoBoolean", "boolean", "boolean"],
    ["echoByte", "byte", "byte"],
    ["echoShort", "short", "short"],
    ["echoInt", "int", "int"],
    ["echoLong", "long", "long"],
    ["echoFloat", "float", "float"],
    ["echoDouble", "double", "double"],
    ["echoChar", "char", "char"],
    ["echoBoxedLong", "java.lang.Long", "java.lang.Long"],
    ["echoString", "java.lang.String", "java.lang.String"],
    ["echoBytes", "byte[]", "byte[]"],
    ["echoInts", "int[]", "int[]"],
    ["echoStrings", "java.lang.String[]", "java.lang.String[]"],
    ["echoDecimal", "java.math.BigDecimal", "java.math.BigDecimal"],
    ["echoDate", "java.util.Date", "java.util.Date"],
    ["echoTimes", "com.acme.Times", "com.acme.Times"],
    ["echoStatus", "com.acme.OrderStatus", "com.acme.OrderStatus"],
    ["echoSet", "java.util.Set<java.lang.String>", "java.util.Set<java.lang.String>"],
    ["echoMap", "java.util.Map<java.lang.String,java.lang.Object>", "java.util.Map<java.lang.String,java.lang.Object>"],
    [
      "echoLongKeys",
      "java.util.Map<java.lang.Long,java.lang.String>",
      "java.util.Map<java.lang.Long,java.lang.String>",
    ],
    ["countBytes", "byte[]", "int"],
    ["makeBytes", "int", "byte[]"],
  ].map(([name, type, returnType]) => ({
    name: name!,
    parameterTypes: type === "" ? [] : [type!],
    returnType: returnType!,
  })),
  types: {
    "com.acme.Order": {
      properties: {
        id: "long",
        customer: "com.acme.Customer",
        status: "com.acme.OrderStatus",
        total: "java.math.BigDecimal",
        created: "java.util.Date",
        signature: "byte[]",
        lines: "java.util.List<com.acme.OrderLine>",
        note: "java.lang.String",
        servedBy: "java.lang.String",
      },
    },
    "com.acme.Customer": {
      properties: {
        name: "java.lang.String",
        age: "int",
        vip: "boolean",
        tags: "java.util.Map<java.lang.String,java.lang.String>",
      },
    },
    "com.acme.OrderLine": {
      properties: { sku: "java.lang.String", quantity: "int", price: "java.math.BigDecimal" },
    },
    "com.acme.Times": {
      properties: {
        date: "java.util.Date",
        day: "java.time.LocalDate",
        time: "java.time.LocalTime",
        dateTime: "java.time.LocalDateTime",
        instant: "java.time.Instant",
      },
    },
    "com.acme.OrderStatus": { enums: ["NEW", "PAID", "SHIPPED", "CANCELLED"] },
    "com.acme.WhoAmI": {
      properties: {
        line: "java.lang.String",
        label: "java.lang.String",
        pid: "long",
        remoteAddress: "java.lang.String",
      },
    },
  },
};

/** All that is known of com.acme.OrderService. */
export const ordersSchema: ServiceSchema = {
  name: "com.acme.OrderService",
  java: ordersJava,
  protobuf: protobufOf(ordersProto),
};

/** com.acme.OrderFeed of fixtures/peers/grpc/feed.proto. */
export const feedProtobuf = protobufOf(
  readFileSync(new URL("../../fixtures/peers/grpc/feed.proto", import.meta.url), "utf8"),
);

/** com.acme.OrderFeed with all that there is to know of it. */
export const feedSchema: ServiceSchema = {
  name: "com.acme.OrderFeed",
  java: {
    methods: [
      {
        name: "orders",
        parameterTypes: ["int", "org.apache.dubbo.common.stream.StreamObserver<com.acme.Order>"],
        returnType: "void",
      },
      {
        name: "collect",
        parameterTypes: ["org.apache.dubbo.common.stream.StreamObserver<java.lang.String>"],
        returnType: "org.apache.dubbo.common.stream.StreamObserver<com.acme.Order>",
      },
      {
        name: "review",
        parameterTypes: ["org.apache.dubbo.common.stream.StreamObserver<com.acme.Order>"],
        returnType: "org.apache.dubbo.common.stream.StreamObserver<com.acme.Order>",
      },
    ],
    types: ordersJava.types,
  },
  protobuf: feedProtobuf,
};

const OBSERVER = "org.apache.dubbo.common.stream.StreamObserver";

/** The same as a 3.3.6 provider reports it: nothing says of what the streams are, nor their classes. */
export const feedReported: ServiceSchema = {
  ...feedSchema,
  java: {
    methods: [
      { name: "collect", parameterTypes: [OBSERVER], returnType: OBSERVER },
      { name: "review", parameterTypes: [OBSERVER], returnType: OBSERVER },
      { name: "orders", parameterTypes: ["int", OBSERVER], returnType: "void" },
    ],
    types: {},
  },
};

/** A message's descriptor in orders.proto, by its name in the package. */
export function ordersMessage(name: string) {
  const found = grpcServiceOf(ordersSchema)!.types.getMessage(`com.acme.${name}`);
  if (found === undefined) throw new Error(`no message ${name}`);
  return found;
}

/** A method of the service in orders.proto. */
export function ordersMethod(name: string) {
  const found = grpcServiceOf(ordersSchema)!.methods.get(name);
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}

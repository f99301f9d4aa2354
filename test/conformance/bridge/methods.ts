import type { JavaDefinition, JavaMethod } from "../../../src/model/schema.ts";
import { ordersJava, ordersSchema } from "../../support/proto-fixtures.ts";

/** Methods of com.acme.OrderService that {@link ordersJava} leaves out. */
const others: readonly JavaMethod[] = [
  ["note", "java.lang.String", "void"],
  ["echoBoxedBoolean", "java.lang.Boolean", "java.lang.Boolean"],
  ["echoBoxedByte", "java.lang.Byte", "java.lang.Byte"],
  ["echoBoxedShort", "java.lang.Short", "java.lang.Short"],
  ["echoBoxedInt", "java.lang.Integer", "java.lang.Integer"],
  ["echoBoxedFloat", "java.lang.Float", "java.lang.Float"],
  ["echoBoxedDouble", "java.lang.Double", "java.lang.Double"],
  ["echoBoxedChar", "java.lang.Character", "java.lang.Character"],
  ["echoNode", "com.acme.Node", "com.acme.Node"],
  ["echoKinds", "com.acme.Kinds", "com.acme.Kinds"],
  ["echoObject", "java.lang.Object", "java.lang.Object"],
  ["echoList", "java.util.List<java.lang.Object>", "java.util.List<java.lang.Object>"],
].map(([name, type, returnType]) => ({ name: name!, parameterTypes: [type!], returnType: returnType! }));

/** All of com.acme.OrderService, as a metadata report has it. */
export const javaOrders: JavaDefinition = {
  methods: [...ordersJava.methods, ...others],
  types: {
    ...ordersJava.types,
    "com.acme.Node": {
      properties: {
        name: "java.lang.String",
        parent: "com.acme.Node",
        self: "com.acme.Node",
        children: "java.util.List<com.acme.Node>",
      },
    },
    "com.acme.Kinds": {
      properties: {
        bigInteger: "java.math.BigInteger",
        uuid: "java.util.UUID",
        locale: "java.util.Locale",
        calendar: "java.util.Calendar",
        enumSet: "java.util.EnumSet<com.acme.OrderStatus>",
        bitSet: "java.util.BitSet",
        chars: "char[]",
        timestamp: "java.sql.Timestamp",
        sqlDate: "java.sql.Date",
        slot: "java.lang.Object",
        optional: "java.util.Optional<java.lang.String>",
        atomic: "java.util.concurrent.atomic.AtomicInteger",
        uri: "java.net.URI",
        file: "java.io.File",
        type: "java.lang.Class<?>",
        duration: "java.time.Duration",
        period: "java.time.Period",
        year: "java.time.Year",
        yearMonth: "java.time.YearMonth",
        monthDay: "java.time.MonthDay",
        offsetTime: "java.time.OffsetTime",
        offsetDateTime: "java.time.OffsetDateTime",
        zonedDateTime: "java.time.ZonedDateTime",
        zoneOffset: "java.time.ZoneOffset",
        zoneId: "java.time.ZoneId",
        grid: "int[][]",
        table: "java.lang.String[][]",
        linked: "java.util.LinkedList<java.lang.String>",
        sorted: "java.util.TreeMap<java.lang.String,java.lang.Integer>",
      },
    },
  },
};

/** What the proxy is told of the service's types: Java's, and the .proto file's. */
export const bridgeSchema = { ...ordersSchema, java: javaOrders };

/** The method that takes these arguments; overloads are told by the first one's kind. */
export function methodOf(name: string, args: readonly unknown[]): JavaMethod {
  const found = javaOrders.methods.filter((method) => method.name === name);
  const text = typeof args[0] === "string" ? "java.lang.String" : undefined;
  const method = found.find(({ parameterTypes }) => found.length === 1 || parameterTypes[0] === (text ?? "long"));
  if (method === undefined) throw new Error(`com.acme.OrderService has no method ${name}`);
  return method;
}

/** Methods that have no counterpart in fixtures/peers/grpc/orders.proto. */
const WITHOUT_PROTO = /^(?:note|echoObject|echoNode|echoKinds|echoList|echoBoxed(?!Long).*)$/;

/** Whether the .proto file has this method. */
export function inProto(method: string): boolean {
  return !WITHOUT_PROTO.test(method);
}

import { encodeHessian2 } from "../../src/codecs/hessian2/writer.ts";
import { listValue, mapValue, objectValue, type Value } from "../../src/codecs/value.ts";
import { bytesOf } from "./dubbo2-bodies.ts";
import { genericTrick } from "./trick-calls.ts";

/**
 * The forms of published attacks on Dubbo and Hessian, as harmless stand-ins: classes that the reports name with nothing in them, and lengths
 * that nothing stands behind.
 */
export interface PayloadForm {
  readonly name: string;
  readonly service?: string;
  readonly method: string;
  readonly types: string;
  /** Hessian2. */
  readonly args: Buffer;
  readonly attachments?: Readonly<Record<string, string>>;
  readonly serialization?: number;
}

const OBJECT = "Ljava/lang/Object;";
const one = (value: Value) => ({ method: "echoObject", types: OBJECT, args: encodeHessian2(value) });
const gadget = (name: string) => objectValue(name, [["obj", null]]);

function generic(form: string, value: Value): Omit<PayloadForm, "name"> {
  const { method, descriptor, args } = genericTrick("echoObject", ["java.lang.Object"], [value]);
  const bytes = Buffer.concat(args.map((arg) => encodeHessian2(arg)));
  return { method, types: descriptor, args: bytes, attachments: { generic: form } };
}

/** What a guard refuses in front of any provider. */
export const payloadForms: readonly PayloadForm[] = [
  {
    name: "CVE-2020-1948: a service that is not there, its argument a map with a gadget of rome for a key",
    ...one(mapValue([[gadget("com.rometools.rome.feed.impl.EqualsBean"), 1]])),
    service: "com.acme.Nobody",
  },
  { name: "CVE-2020-11995: its older name", ...one(gadget("com.sun.syndication.feed.impl.ToStringBean")) },
  {
    name: "CVE-2021-25641: a serialization that the caller picks, Kryo",
    ...one("x"),
    serialization: 8,
  },
  { name: "CVE-2021-37579: the same, Java's own", ...one("x"), serialization: 3 },
  {
    name: "CVE-2021-30179: a generic call in Java's own serialization",
    ...generic("nativejava", new Uint8Array([0xac, 0xed, 0, 5])),
  },
  {
    name: "CVE-2021-30179: the same in letters that Java takes for these",
    ...generic("NAT\u0131vejava", new Uint8Array([0xac, 0xed, 0, 5])),
  },
  { name: "CVE-2021-30179: a raw generic call", ...generic("raw.return", "x") },
  {
    name: "CVE-2021-30179: a descriptor of a bean",
    ...generic(
      "bean",
      objectValue("org.apache.dubbo.common.beanutil.JavaBeanDescriptor", [
        ["className", "javax.naming.InitialContext"],
      ]),
    ),
  },
  {
    name: "CVE-2021-43297: an object that is printed in an error",
    ...one(gadget("org.apache.xbean.naming.context.ContextUtil$ReadOnlyBinding")),
  },
  { name: "CVE-2022-39198: a class of sun.*", ...one(gadget("sun.print.UnixPrintServiceLookup")) },
  {
    name: "CVE-2023-23638: a class that a generic call names",
    ...generic("true", mapValue([["class", "java.lang.ProcessBuilder"]])),
  },
  {
    name: "CVE-2023-23638: Dubbo's own configuration",
    ...generic("true", mapValue([["a", listValue([mapValue([["class", "org.apache.dubbo.config.ConsumerConfig"]])])]])),
  },
  {
    name: "CVE-2023-29234: a throwable whose cause is a gadget",
    ...one(objectValue("java.lang.RuntimeException", [["cause", gadget("com.sun.rowset.JdbcRowSetImpl")]])),
  },
  {
    name: "CVE-2020-1948: a class that the parameter types name, its value a map",
    method: "echoObject",
    types: "Lcom/sun/rowset/JdbcRowSetImpl;",
    args: encodeHessian2(mapValue([["dataSourceName", "x"]])),
  },
  {
    name: "an array of 2^31 integers",
    method: "echoObject",
    types: OBJECT,
    args: bytesOf('56 04"[int" 49 7f ff ff ff'),
  },
  {
    name: "an array of 10^9 texts",
    method: "echoObject",
    types: OBJECT,
    args: bytesOf('56 07"[string" 49 3b 9a ca 00'),
  },
  {
    name: "a class of 10^9 fields",
    method: "echoObject",
    types: OBJECT,
    args: bytesOf('43 06"object" 49 3b 9a ca 00'),
  },
  { name: "lists 200,000 deep", method: "echoObject", types: OBJECT, args: Buffer.alloc(200_000, 0x79) },
  { name: "a negative length", method: "echoObject", types: OBJECT, args: bytesOf("58 8f") },
];

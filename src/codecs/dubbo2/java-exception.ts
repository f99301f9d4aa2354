/**
 * A java.lang.RuntimeException in Java's own serialization, as an answer of status 20 holds it: the one kind of answer in these serializations that is
 * made here; everything else in them is only carried.
 *
 * | id | name | body of an answer that throws |
 * |---|---|---|
 * | 3 | java | `aced0005`, block data of kind 0 and of 1 for "not null", the object |
 * | 4 | compactedjava | the same; a class is 1 and its name alone |
 * | 7 | nativejava | `aced0005`, block data of kind 0, the object |
 *
 * Reference: Java Object Serialization Specification, 6; JavaObjectOutput, CompactedObjectOutputStream and NativeJavaObjectOutput of Apache Dubbo 2.7.
 */

// Ids of these serializations.
const JAVA = 3;
const COMPACTED_JAVA = 4;
const NATIVE_JAVA = 7;

const HEAD = Buffer.from("aced0005", "hex");
const NULL = 0x70;
const CLASS = 0x72;
const OBJECT = 0x73;
const STRING = 0x74;
const BLOCK = 0x77;
const END = 0x78;

/** The classes of the object, its own first: serial version, flags, fields. */
const CLASSES: readonly { readonly name: string; readonly described: Buffer }[] = [
  { name: "java.lang.RuntimeException", described: Buffer.from("9e5f06470a3483e5020000", "hex") },
  { name: "java.lang.Exception", described: Buffer.from("d0fd1f3e1a3b1cc4020000", "hex") },
  {
    name: "java.lang.Throwable",
    described: Buffer.concat([
      Buffer.from("d5c635273977b8cb030004", "hex"),
      fieldOf("L", "cause", "Ljava/lang/Throwable;"),
      fieldOf("L", "detailMessage", "Ljava/lang/String;"),
      fieldOf("[", "stackTrace", "[Ljava/lang/StackTraceElement;"),
      fieldOf("L", "suppressedExceptions", "Ljava/util/List;"),
    ]),
  },
];

/** Whether answers that throw can be written in this serialization. */
export function isJavaSerialization(id: number): boolean {
  return id === JAVA || id === COMPACTED_JAVA || id === NATIVE_JAVA;
}

/** The body of an answer that throws a RuntimeException with this message. */
export function encodeJavaException(id: number, message: string | null): Buffer {
  const block = id === NATIVE_JAVA ? [BLOCK, 1, 0] : [BLOCK, 2, 0, 1];
  const classes = CLASSES.flatMap(({ name, described }) =>
    id === COMPACTED_JAVA
      ? [Buffer.of(CLASS, 1), utf(name), Buffer.of(END)]
      : [Buffer.of(CLASS), utf(name), described, Buffer.of(END)],
  );
  const text = message === null ? Buffer.of(NULL) : Buffer.concat([Buffer.of(STRING), utf(message)]);
  // No class behind the last; no cause, the message, no stack, nothing suppressed.
  const values = [Buffer.of(NULL, NULL), text, Buffer.of(NULL, NULL, END)];
  return Buffer.concat([HEAD, Buffer.of(...block, OBJECT), ...classes, ...values]);
}

function fieldOf(type: "L" | "[", name: string, className: string): Buffer {
  return Buffer.concat([Buffer.from(type, "latin1"), utf(name), Buffer.of(STRING), utf(className)]);
}

/** Java's modified UTF-8 behind its length in two bytes: each UTF-16 unit by itself, and 0 in two bytes. */
function utf(text: string): Buffer {
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0 && unit < 0x80) bytes.push(unit);
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  return Buffer.from([bytes.length >> 8, bytes.length & 0xff, ...bytes]);
}

/**
 * Class names as JSONB has them and as the value tree has them: fastjson2 writes common classes by short names, and arrays
 * by `[` and the element's name. Reference: TypeUtils of fastjson2 2.0.52 (NAME_MAPPINGS, TYPE_MAPPINGS).
 */
const PACKAGES: Readonly<Record<string, string>> = {
  "java.lang.":
    "AutoCloseable Boolean Byte Character Cloneable Double Exception Float IllegalAccessError IllegalAccessException " +
    "IllegalArgumentException IllegalMonitorStateException IllegalStateException IllegalThreadStateException " +
    "IndexOutOfBoundsException InstantiationError InstantiationException Integer InternalError InterruptedException " +
    "LinkageError Long NegativeArraySizeException NoClassDefFoundError NoSuchFieldError NoSuchFieldException " +
    "NoSuchMethodError NoSuchMethodException NullPointerException Number NumberFormatException Object OutOfMemoryError " +
    "RuntimeException SecurityException Short StackOverflowError StackTraceElement String " +
    "StringIndexOutOfBoundsException TypeNotPresentException VerifyError",
  "java.math.": "BigDecimal BigInteger",
  "java.text.": "SimpleDateFormat",
  "java.util.":
    "ArrayList BitSet Calendar Currency Date HashMap HashSet Hashtable IdentityHashMap LinkedHashMap LinkedHashSet " +
    "LinkedList Locale TreeMap TreeSet UUID WeakHashMap",
  "java.util.concurrent.":
    "ConcurrentHashMap ConcurrentLinkedDeque ConcurrentLinkedQueue ConcurrentSkipListMap ConcurrentSkipListSet TimeUnit",
  "java.util.concurrent.atomic.": "AtomicInteger AtomicLong",
  "com.alibaba.fastjson2.": "JSONArray JSONObject",
};

const LONG = new Map<string, string>([
  ["A", "java.util.ArrayList"],
  ["List", "java.util.ArrayList"],
  ["LA", "java.util.LinkedList"],
  ["M", "java.util.HashMap"],
  ["LM", "java.util.LinkedHashMap"],
  ["Set", "java.util.HashSet"],
  ["EmptyMap", "java.util.Collections$EmptyMap"],
]);
const SHORT = new Map<string, string>([["java.util.Collections$EmptyMap", "EmptyMap"]]);
for (const [home, names] of Object.entries(PACKAGES)) {
  for (const name of names.split(" ")) {
    LONG.set(name, home + name);
    SHORT.set(home + name, name);
  }
}
SHORT.set("java.util.ArrayList", "A").set("java.util.HashMap", "M").set("java.util.LinkedHashMap", "LM");

/** Elements of arrays by JSONB's name, and by Hessian's, which the value tree uses. */
const ELEMENTS: readonly (readonly [jsonb: string, tree: string])[] = [
  ["Z", "boolean"],
  ["B", "byte"],
  ["C", "char"],
  ["D", "double"],
  ["F", "float"],
  ["I", "int"],
  ["J", "long"],
  ["S", "short"],
  ["String", "string"],
  ["O", "object"],
  ["Date", "date"],
];
const TO_TREE = new Map(ELEMENTS);
const FROM_TREE = new Map(ELEMENTS.map(([jsonb, tree]) => [tree, jsonb]));

/** The value tree's name of a class: `RuntimeException` is java.lang.RuntimeException, `[I` is `[int`. */
export function longName(name: string): string {
  if (name.charCodeAt(0) !== 0x5b) return LONG.get(name) ?? name;
  const element = elementOf(name);
  const plain = /^L.*;$/.test(element) ? element.slice(1, -1) : element;
  const tree = TO_TREE.get(plain) ?? LONG.get(plain) ?? plain;
  const known =
    tree === "java.lang.String" ? "string" : tree === "java.lang.Object" || tree === "Object" ? "object" : tree;
  return name.slice(0, name.length - element.length) + known;
}

/** JSONB's name of a class that the value tree names. */
export function shortName(name: string): string {
  if (name.charCodeAt(0) !== 0x5b) return SHORT.get(name) ?? name;
  const element = elementOf(name);
  return name.slice(0, name.length - element.length) + (FROM_TREE.get(element) ?? SHORT.get(element) ?? element);
}

/** Whether a class is a map of Java's own, whose object holds entries and no fields. */
export function isMapClass(name: string): boolean {
  return /^java\.util\.(?:\w+[.$])*(?:\w*Map[1N]?|Hashtable|Properties)$/.test(name) || name.endsWith(".JSONObject");
}

function elementOf(name: string): string {
  let at = 0;
  while (name.charCodeAt(at) === 0x5b) at++;
  return name.slice(at);
}

/** Hex with texts in quotes: `43 01 'A' 90` is 43014190. */
export function hexOf(text: string): string {
  return text
    .replace(/'([^']*)'/g, (_all, quoted: string) => Buffer.from(quoted, "latin1").toString("hex"))
    .replace(/\s/g, "");
}

function body(text: string): () => Buffer {
  return () => Buffer.from(hexOf(text), "hex");
}

/** Bodies that would exhaust or mislead a reader: what must be said of each, quickly and without taking memory. */
export const ATTACKS: readonly (readonly [name: string, bytes: () => Buffer, message: string | RegExp])[] = [
  [
    "an int array of 2^31-1 in 11 bytes",
    body("56 04 '[int' 49 7fffffff"),
    "2147483647 values announced with 0 bytes left",
  ],
  ["a string array of 10^9", body("56 07 '[string' 49 3b9aca00"), "1000000000 values announced with 0 bytes left"],
  ["a list of 2^31-1", body("58 49 7fffffff 90"), "2147483647 values announced with 1 bytes left"],
  ["a list of one more than there are bytes", body("7b 90 90"), "3 values announced with 2 bytes left"],
  [
    "a class of 10^9 fields",
    body("43 06 'object' 49 3b9aca00"),
    "class definition of 1000000000 fields is over maxFields 2048",
  ],
  ["a class of more fields than bytes", body("43 06 'object' c8 64 01 'a'"), "100 values announced"],
  ["a class of a negative number of fields", body("43 01 'A' 8f"), "class definition of -1 fields"],
  ["200,000 lists in each other", () => Buffer.alloc(200_000, 0x79), "values nested deeper than maxDepth"],
  [
    "200,000 maps in each other",
    () => Buffer.alloc(400_000, Buffer.from([0x48, 0x90])),
    "values nested deeper than maxDepth",
  ],
  ["200,000 variable lists in each other", () => Buffer.alloc(200_000, 0x57), "values nested deeper than maxDepth"],
  [
    "100,000 class definitions",
    () => Buffer.alloc(400_000, Buffer.from([0x43, 0x01, 0x41, 0x90])),
    "more class definitions than maxDefinitions 4096",
  ],
  [
    "objects of all fields in each other",
    () => Buffer.concat([Buffer.from(hexOf("43 01 'A' 91 01 'x'"), "hex"), Buffer.alloc(100_000, 0x60)]),
    "values nested deeper than maxDepth",
  ],
  ["a list of -1", body("58 8f"), "list of -1 values"],
  ["a reference to nothing", body("51 af"), /reference 31|value is cut off|at byte/],
  [
    "a string of a million empty chunks",
    () => Buffer.alloc(3_000_000, Buffer.from([0x52, 0, 0])),
    "more chunks than maxChunks 65536",
  ],
  [
    "a binary of a million empty chunks",
    () => Buffer.alloc(3_000_000, Buffer.from([0x41, 0, 0])),
    "more chunks than maxChunks 65536",
  ],
  ["a string longer than the body", body("53 ffff 'abc'"), "string of 65535 units is cut off"],
  ["a binary longer than the body", body("42 ffff 00"), "binary of 65535 bytes is cut off"],
  ["a binary of the short form longer than the body", body("2f 00"), /cut off/],
  ["a string chunk followed by an int", body("52 0001 'a' 90"), "expected the next chunk of a string, found tag 0x90"],
  [
    "a binary chunk followed by a string",
    body("41 0001 00 01 'a'"),
    "expected the next chunk of a binary, found tag 0x01",
  ],
  ["a string with a character of four bytes", body("01 f09f9880"), "string holds bytes that are not UTF-8"],
  ["an object without a definition", body("60"), "object of class definition 0, of which there are 0"],
  [
    "an object of a definition that comes later",
    body("61 43 01 'A' 90"),
    "object of class definition 1, of which there are 0",
  ],
  ["an object of definition -1", body("43 01 'A' 90 4f 8f"), "object of class definition -1"],
  ["a class whose name is an int", body("43 90 90"), "class definition without a name"],
  ["a class whose name is null", body("43 4e 90 60"), "class definition without a name"],
  ["a class whose number of fields is a string", body("43 01 'A' 01 'x'"), "expected an int, found tag 0x01"],
  ["a field whose name is null", body("43 01 'A' 91 4e 60 90"), /field/],
  ["a definition with nothing behind it", body("43 01 'A' 90"), "value is cut off"],
  ["a definition in the place of a map's key", body("48 43 01 'A' 90 5a"), /definition|end of a list or map/],
  ["a list whose length is a long", body("58 e1 90"), "expected an int, found tag 0xe1"],
  ["a map that ends after a key", body("48 90 5a"), /unknown tag 0x5a|end of a list or map outside one/],
  ["a map that does not end", body("48 90 90"), "value is cut off"],
  ["an end outside any list", body("5a"), "end of a list or map outside one"],
  ["an end inside a list of a length", body("79 5a"), "end of a list or map outside one"],
  ["a type of a negative number", body("70 8f"), /type/],
  ["the reserved tag 40", body("40"), "unknown tag 0x40"],
  ["the reserved tag 45", body("45"), "unknown tag 0x45"],
  ["the reserved tag 47", body("47"), "unknown tag 0x47"],
  ["the reserved tag 50", body("50"), "unknown tag 0x50"],
  ["no bytes at all", body(""), "value is cut off"],
];

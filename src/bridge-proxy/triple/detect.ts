const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");
const HTTP1_METHODS = ["GET ", "POST ", "PUT ", "DELETE ", "HEAD ", "OPTIONS ", "PATCH ", "TRACE ", "CONNECT "].map(
  (method) => Buffer.from(method, "latin1"),
);

/** What a connection speaks by its first bytes: as Dubbo's own port tells it. Undefined while they may be either. */
export function detect(bytes: Buffer): "http1" | "http2" | undefined {
  for (const method of HTTP1_METHODS)
    if (startsAlike(bytes, method)) return bytes.length < method.length ? undefined : "http1";
  // Neither: the HTTP/2 machine says what is wrong.
  return startsAlike(bytes, PREFACE) && bytes.length < 3 ? undefined : "http2";
}

function startsAlike(bytes: Buffer, word: Buffer): boolean {
  const length = Math.min(bytes.length, word.length);
  return bytes.compare(word, 0, length, 0, length) === 0;
}

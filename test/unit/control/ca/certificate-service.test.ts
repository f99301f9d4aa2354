import { EventEmitter } from "node:events";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { decodeMessage, encodeMessage } from "../../../../src/codecs/xds/resource-bytes.ts";
import { xdsMessage } from "../../../../src/codecs/xds/types.ts";
import {
  CREATE_CERTIFICATE,
  certificateService,
  decodeCreateCertificate,
  encodeCertificateChain,
} from "../../../../src/control/ca/certificate-service.ts";
import { IssueRefusal, type IssueRequest } from "../../../../src/control/ca/issue.ts";
import { recordingLogger, turn } from "../../../support/recording-logger.ts";

const REQUEST = xdsMessage("istio.v1.auth.IstioCertificateRequest");

test("a request's text and wish are read, its metadata passed over", () => {
  const bytes = encodeMessage(REQUEST, {
    csr: "text",
    validityDuration: "86400",
    metadata: { ClusterID: "Kubernetes", ImpersonatedIdentity: "x" },
  });
  expect(Buffer.from(bytes).subarray(0, 6).toString("hex")).toBe("0a0474657874");
  expect(decodeCreateCertificate(bytes)).toEqual({ csr: "text", validitySeconds: 86_400 });
  expect(decodeCreateCertificate(toBinary(REQUEST, create(REQUEST)))).toEqual({ csr: "", validitySeconds: 0 });
  expect(() => decodeCreateCertificate(Buffer.from("0aff", "hex"))).toThrow(
    "bytes are no istio.v1.auth.IstioCertificateRequest",
  );
});

test("an answer has each certificate as a text of its own", () => {
  expect(encodeCertificateChain(["a", "b"]).toString("hex")).toBe("0a01610a0162");
  expect(decodeMessage(xdsMessage("istio.v1.auth.IstioCertificateResponse"), encodeCertificateChain(["a"]))).toEqual({
    certChain: ["a"],
  });
});

/** One call of the service's handler: what it issued for, and what it answered. */
async function call(
  bytes: Uint8Array,
  headers: Record<string, string>,
  issue: (request: IssueRequest) => readonly string[],
) {
  const asked: IssueRequest[] = [];
  const { logger, lines } = recordingLogger();
  const { definition, implementation } = certificateService(async (request) => {
    asked.push(request);
    const chain = issue(request);
    return { chain, sent: "", notBeforeMs: 0, notAfterMs: 0 };
  }, logger);
  expect(definition["CreateCertificate"]!.path).toBe(CREATE_CERTIFICATE);
  let answered: unknown;
  const one = Object.assign(new EventEmitter(), {
    request: bytes,
    metadata: { get: (name: string) => (headers[name] === undefined ? [] : [headers[name]]) },
    getAuthContext: () => ({ sslPeerCertificate: { raw: Buffer.from("der") } }),
    getPeer: () => "10.0.0.1:5555",
  });
  (implementation["CreateCertificate"] as unknown as (...all: unknown[]) => void)(
    one,
    (error: unknown, chain: unknown) => {
      answered = error ?? chain;
    },
  );
  await turn();
  return { asked, answered, lines };
}

test("a caller's token, certificate and address are what it is known by", async () => {
  const { asked, answered } = await call(encodeMessage(REQUEST, { csr: "c" }), { authorization: "Bearer abc" }, () => [
    "leaf",
    "root",
  ]);
  expect(answered).toEqual(["leaf", "root"]);
  expect(asked[0]).toEqual({
    csr: "c",
    validitySeconds: 0,
    credentials: { address: "10.0.0.1", token: "abc", certificate: Buffer.from("der") },
  });
});

const FAILURES: readonly (readonly [string, Error, number, string])[] = [
  [
    "a refusal",
    new IssueRefusal("unauthenticated", "request authenticate failure"),
    16,
    "request authenticate failure",
  ],
  ["too many calls", new IssueRefusal("resource_exhausted", "too many"), 8, "too many"],
  ["a bug", new Error("a secret of ours"), 13, "internal error"],
];

test.each(FAILURES)("%s is answered with its status", async (_, error, code, details) => {
  const { answered } = await call(encodeMessage(REQUEST, { csr: "c" }), {}, () => {
    throw error;
  });
  expect(answered).toEqual({ code, details });
});

test("bytes that are no request are answered without their text", async () => {
  const { answered } = await call(Buffer.from("0aff", "hex"), {}, () => []);
  expect(answered).toEqual({ code: 3, details: "the request can't be read" });
});

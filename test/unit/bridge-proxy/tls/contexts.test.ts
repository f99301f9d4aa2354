import { describe, expect, test } from "vitest";
import { TlsContexts } from "../../../../src/bridge-proxy/tls/contexts.ts";
import type { CommonTlsContext } from "../../../../src/codecs/xds/tls.ts";
import { createTestLeaf, createTestRoot, revoke, secretsOf } from "../../../support/certificates.ts";

const root = createTestRoot();
const leaf = createTestLeaf(root);
const SDS: CommonTlsContext = {
  tlsCertificateSdsSecretConfigs: [{ name: "default" }],
  combinedValidationContext: {
    defaultValidationContext: {
      matchTypedSubjectAltNames: [{ sanType: "URI", matcher: { exact: "spiffe://a/ns/b/sa/c" } }],
    },
    validationContextSdsSecretConfig: { name: "ROOTCA" },
  },
};

function contextsOf(files: Readonly<Record<string, string>> = {}): TlsContexts {
  return new TlsContexts((path) => {
    const text = files[path];
    if (text === undefined) throw new Error(`no such file ${path}`);
    return text;
  });
}

describe("a context of secrets", () => {
  test("is there once all of its secrets are, and until then says which is missing", () => {
    const contexts = contextsOf();
    const context = contexts.of(SDS);
    const [own, roots] = secretsOf(leaf);
    expect(context.current()).toBeUndefined();
    expect(context.fault).toBe("secret default is not known yet");
    contexts.setSecret("default", own);
    expect(context.current()).toBeUndefined();
    expect(context.fault).toBe("secret ROOTCA is not known yet");
    contexts.setSecret("ROOTCA", roots);
    expect(context.current()).toMatchObject({ verifies: true });
    expect(context.fault).toBe("");
  });

  test("is made anew when a secret changes, and not when it is given again", () => {
    const contexts = contextsOf();
    for (const secret of secretsOf(leaf)) contexts.setSecret(secret.name, secret);
    const context = contexts.of(SDS);
    const first = context.current();
    for (const secret of secretsOf(leaf)) contexts.setSecret(secret.name, secret);
    expect(context.current()).toBe(first);
    contexts.setSecret("default", secretsOf(createTestLeaf(root))[0]);
    expect(context.current()).not.toBe(first);
    const second = context.current();
    contexts.setSecret("ROOTCA", secretsOf(leaf, leaf.root, revoke(root, leaf.serial))[1]);
    expect(context.current()).not.toBe(second);
  });

  test.each<[string, Parameters<TlsContexts["setSecret"]>[1]]>([
    ["is gone", undefined],
    ["has no certificate", { name: "default" }],
    [
      "has another one's key",
      {
        name: "default",
        tlsCertificate: {
          certificateChain: { inlineString: leaf.chain },
          privateKey: { inlineString: createTestLeaf(root).key },
        },
      },
    ],
    [
      "is no PEM",
      {
        name: "default",
        tlsCertificate: { certificateChain: { inlineString: "a" }, privateKey: { inlineString: "b" } },
      },
    ],
  ])("stays as it was when its secret %s", (_name, secret) => {
    const contexts = contextsOf();
    for (const one of secretsOf(leaf)) contexts.setSecret(one.name, one);
    const context = contexts.of(SDS);
    const first = context.current();
    contexts.setSecret("default", secret);
    expect(context.current()).toBe(first);
    expect(context.fault).not.toBe("");
    expect(context.fault).not.toContain("PRIVATE KEY");
  });

  test("roots in a text that holds no certificate are refused", () => {
    const contexts = contextsOf();
    contexts.setSecret("default", secretsOf(leaf)[0]);
    contexts.setSecret("ROOTCA", { name: "ROOTCA", validationContext: { trustedCa: { inlineString: "nothing" } } });
    expect(contexts.of(SDS).current()).toBeUndefined();
    expect(contexts.of(SDS).fault).toBe("the roots hold no certificate in PEM");
  });
});

test("descriptions that are alike have one context", () => {
  const contexts = contextsOf();
  expect(contexts.of(SDS)).toBe(contexts.of(structuredClone(SDS)));
  expect(contexts.of(SDS)).not.toBe(contexts.of({ ...SDS, alpnProtocols: ["h2"] }));
});

test("names that are asked for are those of the context, whatever the secret says", () => {
  const contexts = contextsOf();
  for (const one of secretsOf(leaf)) contexts.setSecret(one.name, one);
  const names = contexts.of(SDS).current()?.names;
  expect(names?.([{ type: "URI", value: "spiffe://a/ns/b/sa/c" }])).toBe(true);
  expect(names?.([{ type: "URI", value: "spiffe://a/ns/b/sa/d" }])).toBe(false);
});

test("files are read, and read again when told", () => {
  const files: Record<string, string> = { "/c": leaf.chain, "/k": leaf.key, "/r": leaf.root };
  const contexts = contextsOf(files);
  const context = contexts.of({
    tlsCertificates: [{ certificateChain: { filename: "/c" }, privateKey: { filename: "/k" } }],
    validationContext: { trustedCa: { filename: "/r" } },
  });
  const first = context.current();
  expect(first).toBeDefined();
  const other = createTestLeaf(root);
  files["/c"] = other.chain;
  files["/k"] = other.key;
  expect(context.current()).toBe(first);
  contexts.refreshFiles();
  expect(context.current()).not.toBe(first);
  delete files["/k"];
  const second = context.current();
  contexts.refreshFiles();
  expect(context.current()).toBe(second);
  expect(context.fault).toBe("no such file /k");
});

test("a peer that nothing is asked of is not looked at", () => {
  const context = contextsOf().of({ validationContext: { trustChainVerification: "ACCEPT_UNTRUSTED" } });
  expect(context.current()).toMatchObject({ verifies: false, names: undefined });
});

test.each<[string, CommonTlsContext["validationContext"], { asks: boolean; verifies: boolean }]>([
  ["nothing is held against it", { trustChainVerification: "ACCEPT_UNTRUSTED" }, { asks: false, verifies: false }],
  [
    "whatever it is is taken",
    { trustedCa: { inlineString: root.root }, trustChainVerification: "ACCEPT_UNTRUSTED" },
    { asks: true, verifies: false },
  ],
  ["it has to be of a root", { trustedCa: { inlineString: root.root } }, { asks: true, verifies: true }],
])("a caller's certificate where %s", (_, validationContext, expected) => {
  const own = { certificateChain: { inlineString: leaf.chain }, privateKey: { inlineString: leaf.key } };
  expect(
    contextsOf()
      .of({ tlsCertificates: [own], validationContext: validationContext! })
      .current(),
  ).toMatchObject(expected);
});

test("suites that OpenSSL does not know leave a context without use, and it says so", () => {
  const context = contextsOf().of({ tlsParams: { tlsMinimumProtocolVersion: "TLSv1_0", cipherSuites: ["NONE"] } });
  expect(context.current()).toBeUndefined();
  expect(context.fault).toContain("no cipher match");
});

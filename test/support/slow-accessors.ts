import ts from "typescript";

/** Folders whose code runs for each call. */
const PER_CALL = /^src\/(bridge-proxy|codecs)\//;

/**
 * Accessors that V8 is slow with, one fault each, in folders whose code runs for each call: one in an object literal gives each object a shape of
 * its own, so that whatever reads it later is never sure of any (25 us a call instead of 9, seen with HTTP/2); a private one is a
 * call into the runtime (17 ns).
 */
export function slowAccessors(path: string, source: ts.SourceFile): string[] {
  if (!PER_CALL.test(path)) return [];
  const faults: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isAccessor(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      const place = `${path}: accessor ${node.name.getText(source)} in line ${line + 1}`;
      if (ts.isObjectLiteralExpression(node.parent)) faults.push(`${place} is an object literal's: make it a class`);
      else if (ts.isPrivateIdentifier(node.name)) faults.push(`${place} is private: make it a method`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

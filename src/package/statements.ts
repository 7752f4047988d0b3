/** One declaration at the top of a `.d.ts` file. */
export interface Statement {
  /** The comment above it, with its newline; empty where there is none. */
  doc: string;
  text: string;
  /** Empty for an import. */
  name: string;
}

const START = /^(?:export |declare |import |type |interface |abstract |class |function )/;
const NAME =
  /^(?:export )?(?:declare )?(?:type|interface|(?:abstract )?class|function|const|let|enum) ([\w$]+)/;

/** The declarations of a file that the compiler has written: each begins at the margin. */
export function statementsIn(text: string): Statement[] {
  const statements: Statement[] = [];
  let doc = "";
  let isDoc = false;
  for (const line of text.split("\n")) {
    const last = statements.at(-1);
    if (line.startsWith("/**")) {
      doc = "";
      isDoc = true;
    }
    if (isDoc) {
      doc += `${line}\n`;
      isDoc = !line.endsWith("*/");
    } else if (START.test(line)) {
      statements.push({ doc, text: line, name: NAME.exec(line)?.[1] ?? "" });
      doc = "";
    } else if (last !== undefined && line !== "") last.text += `\n${line}`;
  }
  return statements;
}

/** What a file imports, or hands on, by name: local name to where it is from. */
export function importsIn(text: string): Map<string, { name: string; from: string }> {
  const imports = new Map<string, { name: string; from: string }>();
  for (const [, names = "", from = ""] of text.matchAll(
    /^(?:import|export)(?: type)? \{([^}]*)\} from "([^"]+)"/gm,
  )) {
    for (const part of names.split(",")) {
      const [name = "", local = name] = part.replace("type ", "").trim().split(" as ");
      if (name !== "") imports.set(local, { name, from });
    }
  }
  return imports;
}

/** The words of a declaration that may be names of others. Comments are none of them. */
export function namesIn(text: string): Set<string> {
  return new Set(text.replaceAll(/\/\*[\s\S]*?\*\//g, "").match(/[A-Za-z_$][\w$]*/g));
}

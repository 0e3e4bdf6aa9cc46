/** Tables as text: comma- or tab-separated, quoted as in RFC 4180, the first line naming the columns. */
import { TrainingError } from "../errors.ts";

/** @throws TrainingError naming the line when a row has other columns than the first line, or a quote is left open. */
export function parseDelimited(text: string, separator: "," | "\t", name: string): Record<string, string>[] {
  const rows = [...records(text.replace(/^\uFEFF/, ""), separator, name)];
  const header = rows.shift();
  if (header === undefined) throw new TrainingError(`${name}: is empty; expected a first line that names the columns`);
  return rows.map(({ fields, line }) => {
    if (fields.length !== header.fields.length) {
      throw new TrainingError(
        `${name}:${line}: has ${fields.length} columns where the first line names ${header.fields.length}; quote fields that hold the separator`,
      );
    }
    return Object.fromEntries(header.fields.map((column, i) => [column, fields[i] as string]));
  });
}

interface TableRecord {
  readonly fields: string[];
  /** Line it begins at, counted from 1. */
  readonly line: number;
}

function* records(text: string, separator: string, name: string): Generator<TableRecord> {
  // tab-separated files as Common Voice's hold bare quotes: only a field that begins with one is quoted
  let line = 1;
  let start = 1;
  let fields: string[] = [];
  let field = "";
  let i = 0;
  const done = (): TableRecord | undefined => {
    fields.push(field);
    const record = { fields, line: start };
    const blank = fields.length === 1 && field === "";
    fields = [];
    field = "";
    return blank ? undefined : record;
  };
  while (i < text.length) {
    if (field === "" && text[i] === '"') {
      const opened = line;
      for (i++; ; i++) {
        if (i >= text.length) {
          throw new TrainingError(`${name}:${opened}: a quote is never closed; double the quotes inside quoted fields`);
        }
        if (text[i] === "\n") line++;
        if (text[i] !== '"') field += text[i];
        else if (text[i + 1] === '"') {
          field += '"';
          i++;
        } else break;
      }
      i++;
      continue;
    }
    const next = text[i] as string;
    if (next === separator) {
      fields.push(field);
      field = "";
      i++;
    } else if (next === "\n" || (next === "\r" && text[i + 1] === "\n")) {
      const record = done();
      if (record) yield record;
      i += next === "\n" ? 1 : 2;
      start = ++line;
    } else {
      let end = i + 1;
      while (end < text.length && text[end] !== separator && text[end] !== "\n" && text[end] !== "\r") end++;
      field += text.slice(i, end);
      i = end;
    }
  }
  if (field !== "" || fields.length > 0) {
    const record = done();
    if (record) yield record;
  }
}

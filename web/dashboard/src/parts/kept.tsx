/** What people keep by hand: a list of it that is live, and a form for one. */

import { useMutation, useQuery } from "@tanstack/react-query";
import { type LucideIcon, Plus, Save, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { ask, LIMIT, PAGE, type Page } from "../api/ask.js";
import { ActButton } from "./act.js";
import { Button, Card, Empty, Labelled, SelectField, TextField, Trouble } from "./basics.js";
import { type Column, Rows } from "./rows.js";
import { Sheet } from "./sheet.js";

export interface Kept {
  readonly id: string;
  readonly version: number;
}

/** A field of the form; what is empty and not `isNeeded` is sent as null. */
export interface FormField<Row> {
  readonly name: keyof Row & string;
  readonly label: string;
  readonly kind?: "text" | "area" | "choice" | "switch" | "secret" | "moment";
  readonly isNeeded?: boolean;
  readonly hint?: string;
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
}

export const useKept = <Row extends Kept>(topic: string) =>
  useQuery({ queryKey: [topic], queryFn: () => ask<Page<Row>>("GET", `api/${topic}?${PAGE}`) });

export function KeptScreen<Row extends Kept>(props: {
  /** Its topic, and its place in the API. */
  topic: string;
  /** What one of them is called. */
  noun: string;
  icon: LucideIcon;
  purpose: string;
  nameOf: (row: Row) => string;
  columns: (show: (row: Row) => void) => readonly Column<Row>[];
  grid: string;
  fields: readonly FormField<Row>[];
}) {
  const { topic, noun, icon, purpose, nameOf } = props;
  const { data, error, refetch } = useKept<Row>(topic);
  const [openId, open] = useState<string | null>(null);
  const rows = data?.items ?? [];
  const row = rows.find(({ id }) => id === openId);
  const plural = `${noun}s`;
  return (
    <>
      {error && (
        <Trouble title={`The ${plural} cannot be loaded`} action={<Button onClick={() => refetch()}>Try again</Button>}>
          {error.message}
        </Trouble>
      )}
      <Card
        isFlush
        className="overflow-hidden"
        title={
          <span className="figures font-normal text-quiet text-xs">
            {data
              ? rows.length === LIMIT
                ? `The newest ${LIMIT} ${plural}`
                : counted(rows.length, noun)
              : `All ${plural}`}
          </span>
        }
        aside={
          <Button variant="primary" icon={Plus} onClick={() => open("new")}>
            New {noun}
          </Button>
        }
      >
        <Rows
          label={`All ${plural}`}
          rows={rows}
          idOf={({ id }) => id}
          columns={props.columns(({ id }) => open(id))}
          grid={props.grid}
          height="h-[34rem]"
          empty={
            // While they are loaded, or cannot be, nobody knows whether there are any.
            data && (
              <Empty icon={icon} title={`No ${plural} yet`}>
                {purpose}
              </Empty>
            )
          }
        />
      </Card>
      <Sheet
        title={row ? nameOf(row) : `New ${noun}`}
        description={row?.id}
        isOpen={openId === "new" || row !== undefined}
        onClose={() => open(null)}
      >
        <KeptForm key={row?.id ?? "new"} {...props} row={row} onDone={() => open(null)} />
      </Sheet>
    </>
  );
}

const counted = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? "" : "s"}`;

function KeptForm<Row extends Kept>(props: {
  topic: string;
  noun: string;
  fields: readonly FormField<Row>[];
  row: Row | undefined;
  onDone: () => void;
}) {
  const { topic, fields, onDone } = props;
  // As it was when it was opened: who changes it meanwhile is not overwritten, and what is typed here stays.
  const [row] = useState(props.row);
  const [why, refuse] = useState<string | null>(null);
  const saving = useMutation({
    mutationFn: (body: Record<string, unknown>) =>
      row
        ? ask("PATCH", `api/${topic}/${row.id}`, body, { "if-match": `"${row.version}"` })
        : ask("POST", `api/${topic}`, body),
    onMutate: () => refuse(null),
    onSuccess: onDone,
    onError: (error) => refuse(error.message),
  });
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    saving.mutate(said(new FormData(event.currentTarget), fields, row));
  };
  return (
    <form onSubmit={save} className="flex grow flex-col gap-4">
      {fields.map((field) => (
        <Field key={field.name} field={field} value={row?.[field.name]} />
      ))}
      {why && <Trouble title="It was not saved">{why}</Trouble>}
      <div className="mt-2 flex flex-wrap items-center justify-between gap-2">
        <Button type="submit" variant="primary" icon={Save} disabled={saving.isPending}>
          Save
        </Button>
        {row && (
          <ActButton
            isGrave
            variant="danger"
            label="Delete"
            icon={Trash2}
            method="DELETE"
            path={`api/${topic}/${row.id}`}
            onDone={onDone}
            onRefused={refuse}
          />
        )}
      </div>
    </form>
  );
}

function Field<Row>({ field, value }: { field: FormField<Row>; value: unknown }) {
  const { name, label, kind = "text", isNeeded = false, hint, choices = [] } = field;
  const text = typeof value === "string" ? value : "";
  const common = { name, required: isNeeded };
  if (kind === "switch")
    return (
      <label className="flex items-center gap-3">
        <input
          type="checkbox"
          name={name}
          defaultChecked={value !== false}
          className="size-4 rounded accent-(--color-mark)"
        />
        <span className="font-medium text-xs">{label}</span>
      </label>
    );
  return (
    <Labelled label={label} {...(hint && { hint })}>
      {kind === "choice" ? (
        <SelectField {...common} defaultValue={text}>
          {!isNeeded && <option value="">none</option>}
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </SelectField>
      ) : kind === "area" ? (
        <textarea
          {...common}
          dir="auto"
          rows={5}
          defaultValue={text}
          className="min-w-0 rounded-lg border border-edge bg-raised px-3 py-2 text-ink"
        />
      ) : (
        <TextField
          {...common}
          dir="auto"
          type={kind === "secret" ? "password" : kind === "moment" ? "datetime-local" : "text"}
          defaultValue={kind === "moment" && text ? local(text) : text}
          {...(kind === "secret" && { autoComplete: "new-password" })}
        />
      )}
    </Labelled>
  );
}

/** What the form says, as the API takes it. A secret that is not typed stays as it is. */
function said<Row>(form: FormData, fields: readonly FormField<Row>[], before?: Row): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const { name, kind, isNeeded } of fields) {
    const text = String(form.get(name) ?? "");
    if (kind === "switch") body[name] = form.has(name);
    else if (kind === "moment") {
      const was = before?.[name];
      // The field shows it to the minute: what nobody touched keeps its seconds.
      if (typeof was !== "string" || local(was) !== text) body[name] = text ? new Date(text).toISOString() : null;
    } else if (kind === "area") body[name] = text;
    else if (text !== "" || (kind !== "secret" && !isNeeded)) body[name] = text || null;
  }
  return body;
}

/** As the field wants it: the time here, to the minute. */
function local(at: string): string {
  const moment = new Date(at);
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The cell that opens its row. */
export function OpenCell({ name, note, onOpen }: { name: string; note?: string | null; onOpen: () => void }) {
  return (
    <button
      type="button"
      dir="auto"
      onClick={onOpen}
      className="block w-full truncate rounded text-start font-medium after:absolute after:inset-0 focus-visible:after:outline-2"
    >
      {name}
      {note && <span className="ml-2 font-normal text-quiet text-xs">{note}</span>}
    </button>
  );
}

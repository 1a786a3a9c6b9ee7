import type { Schemas } from '@/api/client';
import type { Spec } from './spec';

export type StepId = Schemas['DraftStepView']['id'];
export type SourceKind = 'template' | 'upload' | 'job' | 'command';
export type PlaceMode = 'auto' | 'pinned' | 'ordered' | 'several';

/** A job that is being put together. It lives in this browser until it is launched or discarded. */
export interface Draft {
  id: string;
  spec: Spec;
  kind: SourceKind;
  /** Where it began, for people: a template's title, a job's name, a folder's name. */
  origin: string;
  workdir: string | null;
  searchPath: string | null;
  mode: PlaceMode;
  /** Keys of the offers that were chosen, in order. */
  offers: string[];
  /** What the job file says of those, as the server words it. */
  placeNotes: string[];
  step: StepId;
  /** The job file as it is being written by hand; null: the steps say it all. */
  text: string | null;
  /** What was sent to be launched, and under which key. */
  sent: { text: string; key: string } | null;
  changedAt: string;
}

const PREFIX = 'tradewind-draft-';
const MOST = 20;

export function newDraft(now = new Date()): Draft {
  return {
    id: crypto.randomUUID(),
    spec: { version: 1 },
    kind: 'command',
    origin: '',
    workdir: null,
    searchPath: null,
    mode: 'auto',
    offers: [],
    placeNotes: [],
    step: 'source',
    text: null,
    sent: null,
    changedAt: now.toISOString(),
  };
}

/** Whether there is anything that would be missed. */
export function isBlank(draft: Draft): boolean {
  return draft.workdir === null && Object.keys(draft.spec).every((key) => key === 'version');
}

/** The drafts of this browser, the newest first. */
export function listDrafts(store: Storage = localStorage): Draft[] {
  const found: Draft[] = [];
  for (let index = 0; index < store.length; index++) {
    const key = store.key(index);
    const draft = key?.startsWith(PREFIX) ? readDraft(key.slice(PREFIX.length), store) : null;
    if (draft !== null) found.push(draft);
  }
  return found.sort((a, b) => (a.changedAt < b.changedAt ? 1 : -1));
}

export function readDraft(id: string, store: Storage = localStorage): Draft | null {
  try {
    const value = JSON.parse(store.getItem(PREFIX + id) ?? 'null') as Partial<Draft> | null;
    if (value === null || typeof value.spec !== 'object' || value.spec === null) return null;
    // One that an older version wrote may lack something.
    return { ...newDraft(), ...value, id };
  } catch {
    return null;
  }
}

/** Keeps a draft; false where the browser has no room or forbids it. */
export function keepDraft(draft: Draft, store: Storage = localStorage): boolean {
  try {
    store.setItem(PREFIX + draft.id, JSON.stringify(draft));
    for (const old of listDrafts(store).slice(MOST)) discardDraft(old.id, store);
    return true;
  } catch {
    return false;
  }
}

export function discardDraft(id: string, store: Storage = localStorage) {
  store.removeItem(PREFIX + id);
}

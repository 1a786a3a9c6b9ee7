import { QueryClient } from '@tanstack/react-query';
import createFetchClient, { type Middleware } from 'openapi-fetch';
import createClient from 'openapi-react-query';
import { ApiError, problemOf } from './problem';
import type { components, paths } from './schema';

export type Schemas = components['schemas'];

/** Below whatever path the server is published at: the document's base says which. */
export const base = new URL('.', document.baseURI).pathname.replace(/\/$/, '');

const signedOut = new EventTarget();

/** Calls back once the server no longer knows this browser. */
export function onSignedOut(callback: () => void): () => void {
  signedOut.addEventListener('out', callback);
  return () => signedOut.removeEventListener('out', callback);
}

const errors: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return undefined;
    if (response.status === 401) signedOut.dispatchEvent(new Event('out'));
    const body: unknown = await response
      .clone()
      .json()
      .catch(() => null);
    throw new ApiError(
      problemOf(
        body ?? {
          ...problemOf(null),
          status: response.status,
          detail: `The server answered ${response.status} ${response.statusText}.`,
        },
      ),
    );
  },
};

export const api = createFetchClient<paths>({
  baseUrl: base,
  querySerializer: { array: { style: 'form', explode: true } },
});
api.use(errors);

export const $api = createClient(api);

/** Errors that asking again can mend: no answer, or a server that is starting. */
function isPassing(error: unknown): boolean {
  const { status } = problemOf(error);
  return status === 0 || status >= 500;
}

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => count < 2 && isPassing(error),
      // What is shown stays while it is asked for again, and comes back by itself after the server was away.
      refetchOnWindowFocus: true,
      throwOnError: false,
    },
    mutations: { retry: false },
  },
});

/** A key under which a repeated request has no second effect. */
export function newKey(): string {
  return crypto.randomUUID();
}

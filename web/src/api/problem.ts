import type { components } from './schema';

export type Problem = components['schemas']['Problem'];

/** Anything that went wrong with a request, as something that can be shown. */
export class ApiError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

const EMPTY: Problem = {
  type: 'about:blank',
  title: 'Something went wrong',
  status: 0,
  detail: 'Something went wrong on this page.',
  code: '',
  hint: null,
  causes: [],
  errors: [],
  request_id: null,
};

/** What an error says to people; errors that are not the server's own get the same shape. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  // What stands in between, as a proxy, may answer with less of it.
  if (isProblem(error)) return { ...EMPTY, ...error };
  const unreachable = error instanceof TypeError;
  return {
    ...EMPTY,
    title: unreachable ? 'No answer' : EMPTY.title,
    detail: unreachable
      ? 'The server does not answer.'
      : error instanceof Error
        ? error.message
        : EMPTY.detail,
    hint: unreachable ? 'Jobs go on meanwhile. This page tries again by itself.' : null,
  };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'detail' in value && 'status' in value;
}

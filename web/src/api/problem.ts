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

/** What an error says to people; errors that are not the server's own get the same shape. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  if (isProblem(error)) return error;
  const unreachable = error instanceof TypeError;
  return {
    type: 'about:blank',
    title: unreachable ? 'No answer' : 'Something went wrong',
    status: 0,
    detail: unreachable
      ? 'The server does not answer.'
      : error instanceof Error
        ? error.message
        : 'Something went wrong on this page.',
    code: '',
    hint: unreachable ? 'Jobs go on meanwhile. This page tries again by itself.' : null,
    causes: [],
    errors: [],
    request_id: null,
  };
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'detail' in value && 'status' in value;
}

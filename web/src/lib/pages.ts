/** For lists that the server hands out in pages: each says where the next one begins. Absent, not undefined: openapi-react-query sends 0 for that. */
export const byCursor = {
  pageParamName: 'cursor',
  initialPageParam: null as string | null,
  getNextPageParam: (last: { next_cursor: string | null }) => last.next_cursor,
};

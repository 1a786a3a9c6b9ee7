/** A sentence of the server's, with what it puts between backticks as code. */
export function Words({ text }: { text: string }) {
  return text.split('`').map((part, number) => (number % 2 ? <code key={number}>{part}</code> : part));
}

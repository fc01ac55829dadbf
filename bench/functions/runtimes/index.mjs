// The same work in JavaScript.
let count = 0;

export const handler = async (event) => ({ count: ++count, data: event.data });

let count = 0;

export const handler = async (event) => {
  count += 1;
  switch (event.mode) {
    case "fail":
      throw new Error("handled");
    case "crash":
      process.exit(3);
    case "sleep":
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
  }
  return { count, text: event.text };
};

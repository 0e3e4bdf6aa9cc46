/** Folders of this process that must not outlive it. A program that ends by a signal deletes them before. */
export const temporaryFolders = new Set<string>();

// The file that Piscina is given. It requires its worker file, and from Node 22 on `require` loads an ES module
// synchronously: a thread that is ended meanwhile takes the whole process with it ("IsGraphAsync must be used on
// an instantiated module"). A dynamic import does not.
module.exports = async (request) => (await import('./thread-worker.js')).default(request)

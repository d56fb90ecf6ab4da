module.exports = { apps: [{ name: 'intranet', script: 'app.js', instances: 2, exec_mode: 'cluster' }] }

console.log(process.env);

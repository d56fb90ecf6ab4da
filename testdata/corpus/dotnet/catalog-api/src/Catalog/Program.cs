var app = WebApplication.CreateBuilder(args).Build();
app.MapGet("/", () => "catalog");
app.Run();

Console.WriteLine("planner");

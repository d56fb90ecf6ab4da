import gradio as gr

gr.Interface(fn=str, inputs="image", outputs="text").launch(server_name="0.0.0.0")
